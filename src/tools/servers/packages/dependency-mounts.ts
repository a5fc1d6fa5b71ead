import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox, SandboxRequest } from "../../../sandbox/sandbox.ts";
import { entryOf, openFolder } from "../filesystem/opened-folder.ts";
import { readInside } from "../filesystem/read-inside.ts";
import { ToolFailure } from "../tool-failure.ts";
import type { Manager } from "./package-request.ts";

/** What a workspace says that it needs: the texts of its package-lock.json and its requirements.txt. */
export type DependencyLock = { readonly [manager in Manager]?: string };

export const LOCK_FILES: Readonly<Record<Manager, string>> = { npm: "package-lock.json", pip: "requirements.txt" };

/** The folder below a lock's own that holds the packages. */
export const PACKAGES_FOLDER: Readonly<Record<Manager, string>> = { npm: "node_modules", pip: "site-packages" };

/** Where commands find them: Node looks for node_modules in every folder above a file. */
const TARGETS: Readonly<Record<Manager, string>> = { npm: "/node_modules", pip: "/opt/atos/site-packages" };
const VARIABLES: Readonly<Record<Manager, string>> = { npm: "NODE_PATH", pip: "PYTHONPATH" };

export type DependencyMounts = {
  readonly readOnly: NonNullable<SandboxRequest["readOnly"]>;
  readonly env: Readonly<Record<string, string>>;
};

/**
 * What a run must be given to find the packages that `install_package` put into `store` for this lock, all read-only.
 * A lock that was written by anyone else has no packages there, and nothing is shown for it.
 *
 * Where paths can't be shown elsewhere (`mounts` false), `import` of an npm package from an ES module does not find
 * it: Node follows NODE_PATH for `require` alone.
 */
export function dependencyMounts(
  store: string,
  lock: DependencyLock,
  sandbox: Pick<Sandbox, "mounts" | "level">,
): DependencyMounts {
  const readOnly: { source: string; target: string }[] = [];
  const env: Record<string, string> = {};
  for (const manager of ["npm", "pip"] as const) {
    const text = lock[manager];
    if (text === undefined) continue;
    const source = join(lockFolder(store, manager, text), PACKAGES_FOLDER[manager]);
    if (!existsSync(source)) continue;
    const target = packagesTarget(store, { manager, text }, sandbox);
    // Without a sandbox everything is seen as it is.
    if (sandbox.level !== "none") readOnly.push({ source, target });
    if (manager === "pip" || !sandbox.mounts) env[VARIABLES[manager]] = target;
  }
  return { readOnly, env };
}

/** Where a command sees the packages of a lock. */
export function packagesTarget(
  store: string,
  { manager, text }: { readonly manager: Manager; readonly text: string },
  sandbox: Pick<Sandbox, "mounts">,
): string {
  return sandbox.mounts ? TARGETS[manager] : join(lockFolder(store, manager, text), PACKAGES_FOLDER[manager]);
}

/** The lock of a workspace, as far as it can be read. */
export function readLock(root: string): DependencyLock {
  const lock: { [manager in Manager]?: string } = {};
  for (const manager of ["npm", "pip"] as const) {
    try {
      const text = readIfThere(root, LOCK_FILES[manager]);
      if (text !== undefined) lock[manager] = text;
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
    }
  }
  return lock;
}

/** The folder of the store for a lock, whether it is there or not. */
export function lockFolder(store: string, manager: Manager, text: string): string {
  return join(store, `${manager}-${createHash("sha256").update(text).digest("hex").slice(0, 40)}`);
}

/** The text of a file that lies in the workspace's own folder. */
export function readIfThere(root: string, name: string): string | undefined {
  using folder = openFolder(root, []);
  return entryOf(folder, name) === undefined ? undefined : readInside(root, name).toString("utf8");
}
