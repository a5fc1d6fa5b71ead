import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildEvent } from "../base/events.ts";
import { type CodeCheck, checkFolder } from "../tools/check-folder.ts";
import type { LanguageId } from "../tools/language.ts";
import type { BuildRun } from "./build-run.ts";

export type CheckRequest = {
  /** The step's name. */
  readonly name: string;
  readonly task: string;
  readonly tree: string;
  readonly language: LanguageId;
};

/** What a check found, where it ran and when it ended (milliseconds since 1970). */
export type CheckResult = { readonly check: CodeCheck; readonly sandbox: string; readonly endedAtMs: number };

/** Checks a tree in a fresh checkout of its own, which goes when the check ends. A recorded step. */
export function checkCode(build: BuildRun, request: CheckRequest): Promise<CheckResult> {
  const { name, task, tree, language } = request;
  return build.effect<CheckResult>({ name, kind: "tests", task, input: { tree, language } }, async () => {
    const { workspaces, scratchDirectory, openSandbox, journal } = build.deps;
    const sandbox = await openSandbox(build.request.unsafe);
    const root = await mkdtemp(join(scratchDirectory, "check-"));
    try {
      await workspaces.checkOut(tree, root);
      const check = await checkFolder(sandbox, { root, paths: await workspaces.list(tree), language }, build.signal);
      return {
        result: { check, sandbox: sandbox.level, endedAtMs: journal.now().getTime() },
        events: [eventOf(request, check)],
      };
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
}

function eventOf({ name, task }: CheckRequest, check: CodeCheck): BuildEvent {
  if (check.kind === "syntax")
    return { type: "tests-ran", step: name, task, passed: 0, failed: check.problems.length, durationMs: 0 };
  const passed = check.run.tests.filter((test) => test.outcome === "passed").length;
  return {
    type: "tests-ran",
    step: name,
    task,
    passed,
    failed: check.run.tests.length - passed,
    durationMs: check.run.durationMs,
  };
}
