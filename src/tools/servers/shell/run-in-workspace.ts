import type { Sandbox, SandboxLimits, SandboxReport, SandboxRequest } from "../../../sandbox/sandbox.ts";
import { ToolFailure } from "../tool-failure.ts";

/** What a command sees beside its workspace: installed packages. */
export type Surroundings = Pick<SandboxRequest, "readOnly" | "env">;

export type WorkspaceCommands = {
  readonly sandbox: Sandbox;
  readonly root: string;
  /** They go before what a call asks for. Default: the sandbox's own. */
  readonly limits?: Partial<SandboxLimits>;
  /** Asked before each command. */
  readonly surroundings?: () => Promise<Surroundings>;
};

export type WorkspaceCommand = Surroundings & {
  readonly command: SandboxRequest["command"];
  readonly wallMs?: number;
  readonly limits?: Partial<SandboxLimits>;
};

/** Longest argument that Linux hands to a program, with room to spare. */
const MAX_ARGUMENT_BYTES = 120_000;

/**
 * Runs a command in the workspace, confined.
 *
 * @throws {ToolFailure} for words that no program can be given.
 */
export async function runInWorkspace(
  { sandbox, root, limits, surroundings }: WorkspaceCommands,
  { command, wallMs, readOnly = [], env, limits: asked }: WorkspaceCommand,
  signal: AbortSignal,
): Promise<SandboxReport> {
  for (const word of command) {
    if (word.includes("\0"))
      throw new ToolFailure("There is a NUL byte in it, which no program can be given; leave it out.");
    if (Buffer.byteLength(word) > MAX_ARGUMENT_BYTES)
      throw new ToolFailure(
        `It has more than ${MAX_ARGUMENT_BYTES / 1000} KB; save it by write_file and run the file.`,
      );
  }
  const around = surroundings === undefined ? {} : await surroundings();
  const time = wallMs === undefined ? {} : { wallMs, cpuSeconds: Math.max(60, Math.ceil(wallMs / 1000)) };
  const all = { ...time, ...asked, ...limits };
  const request = { command, root, limits: all, env: { ...around.env, ...env } };
  return sandbox.run({ ...request, readOnly: [...(around.readOnly ?? []), ...readOnly] }, signal);
}
