import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Sandbox, SandboxRequest } from "../../src/sandbox/sandbox.ts";

const MOST_MS = 15_000;
const MOST_OUTPUT = 8 * 1024 * 1024;

/**
 * What a program does that runs commands and thinks nothing of it: inherits the environment, holds to no limit, and
 * kills the first process only, after `wallMs`. The control of the attacks on the sandbox.
 */
export function plainChild({ nodePath, pythonPath }: Sandbox, uid?: number): Sandbox {
  return {
    level: "none",
    mounts: false,
    nodePath: process.execPath,
    pythonPath: pythonPath ?? nodePath,
    run: (request, signal) => run({ ...request, ...(uid === undefined ? {} : { uid }) }, signal),
  };
}

async function run(request: SandboxRequest & { readonly uid?: number }, signal: AbortSignal) {
  const [file, ...args] = request.command;
  const startedAt = performance.now();
  const child = spawn(file, args, {
    cwd: request.root,
    env: { ...process.env, ...request.env },
    stdio: ["ignore", "pipe", "pipe"],
    signal,
    ...(request.uid === undefined ? {} : { uid: request.uid, gid: request.uid }),
  });
  const output = { stdout: "", stderr: "" };
  collect(child.stdout, (text) => (output.stdout += text));
  collect(child.stderr, (text) => (output.stderr += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), Math.min(MOST_MS, request.limits?.wallMs ?? MOST_MS));
  const exitCode = await ended(child).finally(() => clearTimeout(timer));
  child.stdout.destroy();
  child.stderr.destroy();
  return { level: "none" as const, exitCode, ...output, durationMs: performance.now() - startedAt };
}

function collect(stream: Readable, add: (text: string) => void): void {
  let bytes = 0;
  stream.setEncoding("utf8").on("data", (text: string) => {
    bytes += text.length;
    if (bytes < MOST_OUTPUT) add(text);
  });
}

/** The first process only: what it left behind may hold the output open. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code));
    child.on("exit", (code) => setTimeout(() => resolve(code), 100));
  });
}
