import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AtosError } from "../../../base/errors.ts";
import type { NetworkRule, Sandbox, SandboxReport, SandboxRequest } from "../../../sandbox/sandbox.ts";
import { ToolFailure } from "../tool-failure.ts";
import { checkTree } from "./check-tree.ts";
import { lockFolder, PACKAGES_FOLDER } from "./dependency-mounts.ts";
import type { Manager } from "./package-request.ts";

export type StagedRun = {
  readonly command: SandboxRequest["command"];
  /** Written before it runs, by name. */
  readonly files: Readonly<Record<string, string>>;
  readonly allow: readonly NetworkRule[];
  readonly readOnly: NonNullable<SandboxRequest["readOnly"]>;
  readonly env: Readonly<Record<string, string>>;
};

/** Folder of one install, under the store. What it leaves in `.work` is thrown away. */
export const WORK_FOLDER = ".work";

const LIMITS = {
  wallMs: 300_000,
  cpuSeconds: 300,
  memoryMib: 2048,
  processes: 256,
  fileMib: 512,
  diskMib: 2048,
  outputBytes: 4 * 1024 * 1024,
};
const PREFIX = ".staging-";
/** Longer than any install may take. */
const STALE_MS = 3_600_000;

/**
 * A new empty folder in the store, removed when disposed. One that a dead process left is removed by whoever comes
 * an hour later.
 */
export async function openStaging(store: string): Promise<{ readonly root: string } & AsyncDisposable> {
  await mkdir(store, { recursive: true, mode: 0o755 });
  for (const name of await readdir(store)) {
    if (!name.startsWith(PREFIX)) continue;
    const found = await stat(join(store, name)).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < STALE_MS) continue;
    await rm(join(store, name), { recursive: true, force: true });
  }
  const root = join(store, `${PREFIX}${randomBytes(8).toString("hex")}`);
  await mkdir(join(root, WORK_FOLDER, "tmp"), { recursive: true, mode: 0o755 });
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/**
 * Runs a package manager in the sandbox, its folder the only place it can write to, its registry all it can reach.
 *
 * @throws {ToolFailure} where the sandbox can't let it reach that alone.
 */
export async function runStaged(
  { sandbox, root }: { readonly sandbox: Sandbox; readonly root: string },
  run: StagedRun,
  signal: AbortSignal,
): Promise<SandboxReport> {
  for (const [name, text] of Object.entries(run.files)) await writeFile(join(root, name), text);
  const { command, readOnly, allow, env } = run;
  // Downloads pass through it, and the sandbox's own is small.
  const temporary = `${sandbox.mounts ? "/workspace" : root}/${WORK_FOLDER}/tmp`;
  const request = { command, root, readOnly, network: { allow }, env: { ...env, TMPDIR: temporary }, limits: LIMITS };
  try {
    return await sandbox.run(request, signal);
  } catch (error) {
    // Not all levels can let a command reach some hosts and no other.
    if (error instanceof AtosError && error.code === "sandbox/no-network")
      throw new ToolFailure(`Packages can't be installed on this machine: ${error.message} Go on without.`);
    throw error;
  }
}

/**
 * Moves what was installed to the lock's own folder in one step; one that is there already is the same and stays.
 *
 * @returns how many files the packages have.
 */
export async function publish(
  { root, store }: { readonly root: string; readonly store: string },
  { manager, text }: { readonly manager: Manager; readonly text: string },
  signal: AbortSignal,
): Promise<number> {
  const packages = join(root, PACKAGES_FOLDER[manager]);
  await mkdir(packages, { recursive: true });
  const files = await checkTree(packages, signal);
  await rm(join(root, WORK_FOLDER), { recursive: true, force: true });
  const goal = lockFolder(store, manager, text);
  try {
    await rename(root, goal);
  } catch (error) {
    if (!existsSync(goal)) throw error;
  }
  return files;
}
