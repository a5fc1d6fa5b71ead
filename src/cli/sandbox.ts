import { EXIT, usageError } from "../base/errors.ts";
import { fullLimits } from "../sandbox/full-limits.ts";
import { parseNetworkRule } from "../sandbox/network/network-rule.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import type { LimitHit, SandboxLimits, SandboxReport } from "../sandbox/sandbox.ts";
import { commandContext, settingsOf } from "./context.ts";
import { type Output, plainLines } from "./output.ts";
import { openSandboxFolder } from "./sandbox-folder.ts";

/** What was said before the command, as it was written. */
export type SandboxFlags = { readonly root?: string; readonly allowHost?: readonly string[] } & {
  readonly [name in keyof typeof LIMIT_FLAGS]?: string;
};

/** The flags that set a limit: which, and how many of its units are one of the flag's. */
const LIMIT_FLAGS = {
  wallSeconds: { limit: "wallMs", times: 1000 },
  cpuSeconds: { limit: "cpuSeconds", times: 1 },
  memoryMib: { limit: "memoryMib", times: 1 },
  processes: { limit: "processes", times: 1 },
  fileMib: { limit: "fileMib", times: 1 },
  diskMib: { limit: "diskMib", times: 1 },
  outputBytes: { limit: "outputBytes", times: 1 },
} as const satisfies Readonly<Record<string, { limit: keyof SandboxLimits; times: number }>>;

const LIMIT_WORDS: Readonly<Record<LimitHit, (limits: SandboxLimits) => string>> = {
  wall: ({ wallMs }) => `it ran for ${wallMs / 1000} s`,
  cpu: ({ cpuSeconds }) => `a process used ${cpuSeconds} s of CPU time`,
  memory: ({ memoryMib }) => `it took more than ${memoryMib} MiB of memory`,
  disk: ({ diskMib }) => `its folder grew by more than ${diskMib} MiB`,
  file: ({ fileMib }) => `a file grew beyond ${fileMib} MiB`,
  output: ({ outputBytes }) => `it wrote more than ${outputBytes} bytes of output`,
};

/**
 * `atos sandbox -- COMMAND …`: runs a command as agents' code runs, and exits with its exit code.
 *
 * @throws `cli/no-command`, `sandbox/limits`, `sandbox/network-rule` for bad usage, `sandbox/none` without a sandbox.
 */
export async function runSandboxCommand(
  words: readonly string[],
  flags: SandboxFlags,
  output: Output,
): Promise<number> {
  const [program, ...args] = words;
  if (program === undefined) {
    throw usageError(
      "cli/no-command",
      "say what to run, behind two dashes, such as: atos sandbox -- python3 --version",
    );
  }
  const limits = limitsOf(flags);
  const allow = (flags.allowHost ?? []).map(parseNetworkRule);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop.abort());
  const context = commandContext();
  const settings = await settingsOf(context);
  const sandbox = await openSandbox({ ...settings.sandbox, unsafe: false });
  await using folder = await openSandboxFolder(flags.root, [context.folder.root, context.configDirectory]);
  const network = allow.length === 0 ? {} : { network: { allow } };
  const request = { command: [program, ...args] as const, root: folder.path, limits, ...network };
  const report = await sandbox.run(request, stop.signal);
  output.emit({ ...report, limits, workspace: sandbox.mounts ? "/workspace" : folder.path });
  if (!output.json) show(report, limits, output);
  return report.exitCode ?? EXIT.failed;
}

/** The limits of a call, in full. Pure. */
export function limitsOf(flags: SandboxFlags): SandboxLimits {
  const asked: Partial<Record<keyof SandboxLimits, number>> = {};
  for (const [name, { limit, times }] of Object.entries(LIMIT_FLAGS)) {
    const text = Object.entries(flags).find(([flag]) => flag === name)?.[1];
    if (text === undefined) continue;
    if (typeof text !== "string" || !/^[1-9]\d{0,8}$/.test(text)) {
      const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      throw usageError(
        "sandbox/limits",
        `${flag} must be a whole number from 1 to 999999999, not ${JSON.stringify(text)}`,
      );
    }
    asked[limit] = Number(text) * times;
  }
  return fullLimits(asked);
}

function show(report: SandboxReport, limits: SandboxLimits, output: Output): void {
  // What it wrote goes on byte for byte, except to a terminal, which would obey it.
  for (const [stream, text] of [
    [process.stdout, report.stdout],
    [process.stderr, report.stderr],
  ] as const) {
    stream.write(stream.isTTY ? plainLines(text) : text);
  }
  const { limitHit, refusedHosts = [] } = report;
  const events = [
    ...(limitHit === undefined ? [] : [`ended by its limit, ${LIMIT_WORDS[limitHit](limits)}`]),
    ...(refusedHosts.length === 0
      ? []
      : [`not let to ${refusedHosts.join(", ")} (not allowed by --allow-host, or without a public address)`]),
  ];
  if (events.length > 0) output.note(`atos: ${events.join("; ")} [sandbox: ${report.level}]`);
}
