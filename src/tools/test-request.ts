import { fileURLToPath } from "node:url";
import { missingError } from "../base/errors.ts";
import type { Sandbox, SandboxRequest } from "../sandbox/sandbox.ts";

/**
 * How test files are run. `verify-python` lets nothing in the repository configure the run; the other three Python
 * ways read its own settings and show what tests print. `python` is pytest where it is installed, else unittest.
 * `verify-node` waits until the process ends by itself; `node` ends it soon after the last test.
 */
export type TestWay = "verify-python" | "python" | "pytest" | "unittest" | "verify-node" | "node";

const RUNNERS_ON_HOST = fileURLToPath(new URL("runners", import.meta.url));
const RUNNERS_INSIDE = "/opt/atos/runners";

export type TestsAsked = {
  readonly how: TestWay;
  readonly files: readonly string[];
  /** Files whose lines are to be watched while the tests run. Absent: none, and at full speed. */
  readonly covered?: readonly string[];
};

/** The command that runs `files` and prints one line of JSON behind `mark`. @throws `tools/python-missing` */
export function testRequest(
  sandbox: Sandbox,
  { how, files, covered }: TestsAsked,
  mark: string,
): Pick<SandboxRequest, "command" | "readOnly" | "env"> {
  const { path, readOnly } = runnersFor(sandbox);
  const watched = covered === undefined ? {} : { ATOS_COVERED_FILES: JSON.stringify(covered) };
  if (how !== "node" && how !== "verify-node") {
    const what = how === "verify-python" ? "tests" : how;
    const flags = how === "verify-python" ? ["-B"] : [];
    const command = [requiredPython(sandbox), ...flags, `${path}/python-runner.py`, mark, what, ...files] as const;
    return { readOnly, command, env: watched };
  }
  // One process for all files: a file that can't be loaded is then a failed test with its message.
  const flags = [
    "--no-warnings",
    "--test",
    "--test-isolation=none",
    // Else one server that a test leaves open holds all results back.
    ...(how === "node" ? ["--test-force-exit"] : []),
    ...(covered === undefined ? [] : ["--experimental-test-coverage"]),
    `--test-reporter=${path}/node-reporter.mjs`,
    "--test-reporter-destination=stdout",
  ];
  return { readOnly, command: [sandbox.nodePath, ...flags, ...files], env: { ATOS_REPORT_MARK: mark, ...watched } };
}

/** Where a command sees our runners, and what must be shown to it for that. Without a sandbox everything is seen as it is. */
export function runnersFor(sandbox: Sandbox): {
  readonly path: string;
  readonly readOnly: NonNullable<SandboxRequest["readOnly"]>;
} {
  if (sandbox.level === "none") return { path: RUNNERS_ON_HOST, readOnly: [] };
  const path = sandbox.mounts ? RUNNERS_INSIDE : RUNNERS_ON_HOST;
  return { path, readOnly: [{ source: RUNNERS_ON_HOST, target: path }] };
}

/** @throws `tools/python-missing` where the sandbox has none to show. */
export function requiredPython(sandbox: Sandbox): string {
  if (sandbox.pythonPath !== undefined) return sandbox.pythonPath;
  throw missingError(
    "tools/python-missing",
    "this goal needs Python 3, and /usr/bin/python3 was not found; install it: apt-get install python3",
  );
}
