import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { goalParts } from "../agents/goal-parts.ts";
import type { ModelSource } from "../engine/model.ts";
import { readRole, type Role } from "../agents/role.ts";
import type { Team } from "../agents/team.ts";
import type { Language } from "../tools/language.ts";
import { loadLanguages } from "../tools/load-languages.ts";
import { type FixRounds, fixRoundsOf } from "./fix-rounds.ts";
import { familiesOf, namedIn, readClosedDomain } from "../agents/closed-domain.ts";
import { checkTools } from "../agents/check-tools.ts";
import { loadTeam, type TeamPlaces } from "../agents/load-team.ts";
import { type BuildRequest, WORKFLOW_VERSION } from "./build-request.ts";
import { checkGoal } from "./check-goal.ts";
import { checkOutDirectory } from "./check-out-directory.ts";
import { chooseRoster, type ModelChoice, OWN_LANGUAGES, OWN_ROLES } from "./choose-roster.ts";
import { findRepository, type RepositoryWish } from "./find-repository.ts";
import { outsideDomain } from "./outside-domain.ts";

export type BuildWish = {
  readonly goal: string;
  /** A new or empty folder, or a repository that is there. */
  readonly out: string | RepositoryWish;
  readonly stateRoot: string;
  readonly choice: ModelChoice;
  /** A team's name or file; absent: the person's own `team`, else ATOS's. */
  readonly team?: string;
  readonly unsafe: boolean;
  readonly seed: number;
  readonly createdAtMs: number;
  readonly effort: Effort;
  readonly limits: BuildRequest["limits"];
  readonly askPlan: boolean;
  readonly planOnly: boolean;
  /** How long the person has to answer; absent: a day. */
  readonly approvalExpiresMs?: number;
  readonly shape: BuildRequest["shape"];
  /** Makes embedded models answer the same to the same, one at a time and slowly. */
  readonly deterministic: boolean;
};

/** How much is tried before a task is given up. */
export type Effort = { readonly fixRounds: FixRounds; readonly samples: number };

/** `notes` are what the person should know of the choice of models. */
export type PreparedBuild = { readonly request: BuildRequest; readonly notes: readonly string[] };

const USUAL_LANGUAGE = "python";

/**
 * Everything that can be found wrong with a build before anything is started or recorded, and
 * the request that decides it all when nothing is.
 *
 * @throws {AtosError} exit 2 for a wish that can be put right, exit 3 for a goal that the only
 *   model at hand can't do.
 */
export async function prepareBuild(wish: BuildWish): Promise<PreparedBuild> {
  const goal = checkGoal(wish.goal);
  const { outDirectory, repository, notes: targetNotes } = await checkTarget(wish);
  const { roster: chosen, promptsDirectory, domainFile, notes } = await chooseRoster(wish.choice);
  const languages = await loadLanguages([OWN_LANGUAGES, join(wish.stateRoot, "languages")]);
  const domain = domainFile === undefined ? undefined : await closedDomain(goal, domainFile, languages);
  const { team, notes: teamNotes } = await loadTeam(teamPlaces(wish, promptsDirectory));
  checkTools(team);
  const models = wish.deterministic ? chosen.models.map(deterministically) : [...chosen.models];
  const { createdAtMs, seed, unsafe, limits, askPlan, planOnly, shape, effort } = wish;
  const request = {
    workflowVersion: WORKFLOW_VERSION,
    goal,
    outDirectory,
    createdAtMs,
    seed,
    unsafe,
    bounds: { rounds: fixRoundsOf(models, effort.fixRounds), samples: effort.samples },
    limits,
    roster: { ...chosen, models },
    team: shape === "single" ? await alone(team) : team,
    languages: [...languages],
    askPlan,
    planOnly,
    ...(wish.approvalExpiresMs === undefined ? {} : { approvalExpiresMs: wish.approvalExpiresMs }),
    shape,
    ...(repository === undefined ? {} : { repository }),
    ...(domain === undefined ? {} : { domain }),
  };
  const promised = wish.deterministic ? deterministicNotes(models) : [];
  return { request, notes: [...notes, ...teamNotes, ...targetNotes, ...promised] };
}

/** Where the team of a build is looked for; `promptsDirectory` is its roster's own. Pure. */
export function teamPlaces(
  { team, choice: { directory }, stateRoot }: Pick<BuildWish, "team" | "choice" | "stateRoot">,
  promptsDirectory: string | undefined,
): TeamPlaces {
  return {
    ...(team === undefined ? {} : { team }),
    directory,
    overrides: [join(directory, ".atos/roles"), join(stateRoot, "roles")],
    own: OWN_ROLES,
    ...(promptsDirectory === undefined ? {} : { pinned: promptsDirectory }),
  };
}

type Target = Pick<BuildRequest, "outDirectory" | "repository"> & { readonly notes: readonly string[] };

async function checkTarget({ out, stateRoot }: BuildWish): Promise<Target> {
  if (typeof out === "string")
    return { outDirectory: await checkOutDirectory(out, stateRoot), repository: undefined, notes: [] };
  const { directory, revision, branch, head } = await findRepository(out);
  const from = head === undefined ? "the commit" : `${head}, commit`;
  const note = `builds on ${from} ${revision.slice(0, 10)} of ${directory}; what is not committed there is no part of it and stays as it is`;
  return { outDirectory: directory, repository: { directory, revision, branch }, notes: [note] };
}

/** Nobody but one developer, who is told the goal itself. */
async function alone(team: Team): Promise<Team> {
  const role = await singleRole();
  return { ...team, developers: { simple: role, medium: role, complex: role } };
}

export async function singleRole(): Promise<Role> {
  const file = join(OWN_ROLES, "single.md");
  return readRole(await readFile(file, "utf8"), { file, name: "single", seat: "developer" });
}

/** One reply at a time, each begun anew: a reply beside it, or tokens that are guessed, change late tokens. */
function deterministically(model: ModelSource): ModelSource {
  return model.kind === "gguf" ? { ...model, deterministic: true, slots: 1, promptLookup: false } : model;
}

/** What a server answers is not ATOS's to hold to. */
function deterministicNotes(models: readonly ModelSource[]): readonly string[] {
  const remote = models.filter(({ kind }) => kind === "openai").map(({ id }) => id);
  if (remote.length === 0) return [];
  return [
    `--deterministic holds for model files only; ${remote.join(", ")} on a server may answer otherwise each time`,
  ];
}

/** The parts of a goal that a closed domain's model can do, each with what its words say of it. */
async function closedDomain(
  goal: string,
  domainFile: string,
  languages: readonly Language[],
): Promise<NonNullable<BuildRequest["domain"]>> {
  const domain = readClosedDomain(await readFile(domainFile, "utf8"));
  const parts = goalParts(goal, domain);
  if (parts === undefined) throw outsideDomain(goal, domain, languages);
  return {
    parts: parts.map((part) => {
      const { name, language } = namedIn(part, domain);
      // Of several parts that leave it open each would choose for itself.
      const shared = language ?? (parts.length > 1 ? USUAL_LANGUAGE : undefined);
      return {
        goal: part,
        families: [...familiesOf(part, domain)],
        ...(name === undefined ? {} : { name }),
        ...(shared === undefined ? {} : { language: shared }),
      };
    }),
  };
}
