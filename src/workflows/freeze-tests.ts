import { createHash } from "node:crypto";
import type { PlannedTask } from "../base/events.ts";
import { pathConflict } from "../base/safe-path.ts";
import { readFileBlocks } from "../agents/file-blocks.ts";
import { fill } from "../agents/prompt-set.ts";
import type { Read } from "../agents/read.ts";
import { showTask } from "../agents/read-plan.ts";
import { showSpec, type Spec } from "../agents/read-spec.ts";
import type { WorkspaceFile } from "../journal/workspaces.ts";
import { explainFailure, explainSyntax } from "../tools/explain-failure.ts";
import { type Language, LANGUAGES } from "../tools/language.ts";
import { NO_TEST } from "../tools/test-report.ts";
import type { BuildRun } from "./build-run.ts";
import { type CheckResult, checkCode } from "./check-code.ts";

const MAX_DRAFTS = 2;

export type FrozenTests = {
  readonly files: readonly WorkspaceFile[];
  readonly hashes: readonly { readonly path: string; readonly sha256: string }[];
  /** The repository as it stands before any code: scaffold and tests. */
  readonly tree: string;
};

/**
 * Spec and plan → acceptance tests, by the tester, frozen before any code exists.
 *
 * Tests that can't be parsed, or that already pass without code, prove nothing and are sent back.
 */
export async function freezeTests(
  build: BuildRun,
  spec: Spec,
  tasks: readonly PlannedTask[],
): Promise<Read<FrozenTests>> {
  const language = LANGUAGES[spec.language];
  const planned = tasks.flatMap((task) => task.files);
  // A closed domain's criteria all have one form, so it can be seen that each is asserted, with its value.
  const assertions =
    build.request.domain === undefined
      ? []
      : spec.criteria.map((criterion) => `(${criterion.replace(" returns ", ", ")})`);
  const prompt = build.request.prompts["tester"];
  let conversation = build.open("tester", { task: "tests", tier: "complex", name: "tests" });
  let content = fill(prompt.user, { spec: showSpec(spec), plan: tasks.map(showTask).join("\n\n") });
  for (let draft = 1; ; draft++) {
    const answer = await build.ask(conversation, content, (reply) =>
      readTests({ language, planned, assertions }, reply),
    );
    if (!answer.read.ok) return { ok: false, why: `the tester's acceptance tests can't be used: ${answer.read.why}` };
    const files = answer.read.value;
    const tree = await build.deps.workspaces.write([...language.scaffold(spec.name, spec.summary), ...files]);
    const problem = problemOf(
      await checkCode(build, { name: `tests/check-${draft}`, task: "tests", tree, language: spec.language }),
      files,
    );
    if (problem === undefined) return { ok: true, value: await freeze(build, files, tree) };
    if (prompt.rejected === undefined || draft === MAX_DRAFTS)
      return { ok: false, why: `the tester's acceptance tests can't be used: ${problem}` };
    conversation = answer.conversation;
    content = fill(prompt.rejected, { why: problem });
  }
}

async function freeze(build: BuildRun, files: readonly WorkspaceFile[], tree: string): Promise<FrozenTests> {
  const hashes = files.map((file) => ({ path: file.path, sha256: sha256(file.content) }));
  await build.record("tests frozen", {
    type: "tests-frozen",
    files: files.map((file) => file.path),
    // Of one file its own hash, which anybody can compute; of several the hash of their list.
    sha256: hashes.length === 1 ? (hashes[0]?.sha256 ?? "") : sha256(JSON.stringify(hashes)),
  });
  return { files, hashes, tree };
}

/** A file that passes without code can't fail for what the code will be: each must be red of its own. */
function problemOf({ check }: CheckResult, files: readonly WorkspaceFile[]): string | undefined {
  if (check.kind === "syntax") return explainSyntax(check.problems);
  const { tests } = check.run;
  if (tests.some((test) => test.file === "")) return explainFailure(check.run);
  for (const { path } of files) {
    const own = tests.filter((test) => test.file === path);
    if (own.every((test) => test.outcome === "passed")) return `${path} passes although there is no code yet`;
    if (own.every((test) => test.outcome !== "failed" || test.message === NO_TEST))
      return `${path} has no test that is run`;
  }
  return undefined;
}

type Expected = {
  readonly language: Language;
  readonly planned: readonly string[];
  readonly assertions: readonly string[];
};

function readTests({ language, planned, assertions }: Expected, reply: string): Read<readonly WorkspaceFile[]> {
  const files = readFileBlocks(reply);
  if (!files.ok) return files;
  const other = files.value.find((file) => !language.isTestFile(file.path));
  if (other !== undefined) {
    const form = language.id === "python" ? "it is named test_NAME.py" : "it is named NAME.test.ts";
    return { ok: false, why: `${other.path} is not a test file; ${form}` };
  }
  const untested = assertions.find((one) => !files.value.some((file) => file.content.includes(one)));
  if (untested !== undefined) return { ok: false, why: `no test asserts ${untested}` };
  const conflict = pathConflict([...files.value.map((file) => file.path), ...planned]);
  return conflict === undefined ? files : { ok: false, why: conflict };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
