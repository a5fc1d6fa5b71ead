import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AtosError, missingError } from "../base/errors.ts";

export type GitOptions = {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends git, and rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Enough of the output: git is ended when it has written more, and this much and a little more is returned. */
  readonly maxBytes?: number;
};

const SETTINGS = fileURLToPath(new URL("git-settings.gitconfig", import.meta.url));

/**
 * Settings that keep a repository's own configuration from running anything: a folder handed to
 * `receipt verify` may come from a stranger. System and user configuration are not read either.
 */
const SAFE = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"];

/**
 * Runs one git command in `directory` and returns its standard output.
 *
 * @throws {AtosError} `git/missing` when git is not installed, `git/failed` with git's own words otherwise.
 */
export async function git(directory: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await gitBytes(directory, args, options)).toString("utf8");
}

/** As {@link git}, for output that need not be text. */
export function gitBytes(directory: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const { signal, maxBytes = Number.POSITIVE_INFINITY } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn("git", [...SAFE, ...args], {
      ...(signal === undefined ? {} : { signal }),
      cwd: directory,
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        LC_ALL: "C",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: SETTINGS,
        GIT_TERMINAL_PROMPT: "0",
        ...options.env,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let outBytes = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      if (outBytes <= maxBytes) out.push(chunk);
      outBytes += chunk.length;
      if (outBytes > maxBytes) child.kill();
    });
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    // Git may end before it has read everything; its exit status tells.
    child.stdin.on("error", () => {});
    child.on("error", (cause) => reject(signal?.aborted === true ? signal.reason : spawnError(cause, directory)));
    child.on("close", (code) => {
      if (code === 0 || outBytes > maxBytes) return resolve(Buffer.concat(out));
      const words = Buffer.concat(err).toString("utf8").trim();
      reject(
        new AtosError(
          "git/failed",
          `git ${args.slice(0, 2).join(" ")} failed in ${directory} (exit ${code}): ${words}`,
          { details: { exitStatus: code ?? undefined, words } },
        ),
      );
    });
    child.stdin.end(options.input ?? "");
  });
}

function spawnError(cause: Error, directory: string): AtosError {
  if ("code" in cause && cause.code === "ENOENT") {
    return missingError(
      "git/missing",
      `git was not found (or ${directory} is gone); install it: apt-get install git`,
      cause,
    );
  }
  return new AtosError("git/failed", `git could not be started: ${cause.message}`, { cause });
}
