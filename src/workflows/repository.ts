import { AtosError, EXIT } from "../base/errors.ts";
import type { WorkspaceFile } from "../journal/workspaces.ts";
import { findLanguage, namedLanguages } from "../tools/find-language.ts";
import { isTestFile, type Language, type LanguageId } from "../tools/language.ts";
import { mapRepository } from "../tools/map-repository.ts";
import { runTests } from "../tools/run-tests.ts";
import type { BuildRequest } from "./build-request.ts";
import { checkoutWith, testsRan } from "./check-code.ts";
import { projectLanguage, projectRules } from "./describe-project.ts";
import { judgeOwnTests, type OwnTests, runOwnTests } from "./own-tests.ts";
import { type Dependency, findDependencies } from "./project-dependencies.ts";
import type { Strand } from "./strand.ts";

/** An existing repository that a build works on, as it was when the build began. */
export type Repository = {
  readonly directory: string;
  readonly commit: string;
  readonly tree: string;
  /** What most of it is written in; null where nothing tells. */
  readonly language: LanguageId | null;
  /** Its map and its rules, for prompts. */
  readonly map: string;
  readonly rules: string;
  /** Its own test files that were green, and those that were not. */
  readonly greenTests: OwnTests["green"];
  readonly redTests: OwnTests["red"];
  /** The packages that are installed beside its code. */
  readonly dependencies: readonly Dependency[];
};

const MAP_CHARS = 4000;

/**
 * Looks at the repository that the build was asked to work on, and tries its own tests; undefined for a new one. A
 * recorded step.
 *
 * @throws {AtosError} `journal/bad-repository`, exit 2, for one that can't be worked on.
 */
export async function lookAtRepository(strand: Strand): Promise<Repository | undefined> {
  const { repository: asked } = strand.build.request;
  if (asked === undefined) return undefined;
  // Not by the branch: a fork finds the same and has another.
  const input = { directory: asked.directory, revision: asked.revision };
  const found = await strand
    .effect<Repository>({ name: "repository", kind: "workspace", task: "start", input }, () => look(strand, asked))
    .catch((error: unknown) => {
      if (!(error instanceof AtosError) || error.code !== "journal/bad-repository") throw error;
      throw new AtosError(error.code, error.message, { exitCode: EXIT.usage, cause: error });
    });
  strand.build.repository = found;
  return found;
}

async function look(strand: Strand, { directory, revision }: NonNullable<BuildRequest["repository"]>) {
  const { build, signal } = strand;
  const { workspaces } = build.deps;
  const { commit, tree } = await workspaces.fetchFrom(directory, revision, signal);
  const paths = await workspaces.list(tree);
  const texts = await strand.texts(tree);
  const language = projectLanguage(paths, build.request.languages);
  const dependencies = await findDependencies(directory);
  const tests = language === undefined ? [] : paths.filter((path) => isTestFile(language, path));
  const run =
    language === undefined || tests.length === 0
      ? undefined
      : await checkoutWith(build, { tree, directory, dependencies }, ({ root, sandbox }) =>
          runOwnTests(tests, (files) => runTests(sandbox, { root, language, files }, signal)),
        );
  const own = judgeOwnTests(tests, run?.tests ?? []);
  const result: Repository = {
    directory,
    commit,
    tree,
    language: language?.id ?? null,
    map: mapRepository(texts, MAP_CHARS),
    rules: projectRules(texts),
    greenTests: own.green,
    redTests: own.red,
    dependencies,
  };
  return { result, events: run === undefined ? [] : [testsRan("repository", "start", run)] };
}

/** The languages that a change of a repository may be written in: its own, and those that the goal names. Pure. */
export function languagesFor(
  goal: string,
  repository: Pick<Repository, "language"> | undefined,
  languages: readonly Language[],
): readonly Language[] {
  if (repository === undefined || repository.language === null) return languages;
  const own = findLanguage(repository.language, languages);
  const named = namedLanguages(goal, languages);
  return own === undefined ? languages : [own, ...named.filter(({ id }) => id !== own.id)];
}

/** A repository's files: their paths, and those that are text. */
export type ExistingFiles = {
  readonly paths: ReadonlySet<string>;
  readonly texts: ReadonlySet<string>;
  readonly files: readonly WorkspaceFile[];
};

/** Nothing for a new repository. */
export async function existingFiles(strand: Strand): Promise<ExistingFiles> {
  const { repository, deps } = strand.build;
  if (repository === undefined) return { paths: new Set(), texts: new Set(), files: [] };
  const files = await strand.texts(repository.tree);
  const paths = new Set(await deps.workspaces.list(repository.tree));
  return { paths, texts: new Set(files.map(({ path }) => path)), files };
}
