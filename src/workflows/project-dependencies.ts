import { lstat, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { equipSandbox } from "./equip-sandbox.ts";

/** A folder of installed packages beside a repository's code. */
export type Dependency = {
  readonly kind: "node" | "python";
  /** Relative to the repository. */
  readonly path: string;
};

/** A folder, and those of its packages that are to be shown. */
export type Packages = { readonly directory: string; readonly dependencies: readonly Dependency[] };

const INSIDE = "/opt/atos/dependencies";
/** Node looks for its packages in every folder above a file. */
const FOR_COMMANDS = {
  node: { target: "/node_modules", variable: "NODE_PATH" },
  python: { target: INSIDE, variable: "PYTHONPATH" },
} as const;
const NODE_MODULES = "node_modules";
const VENV_LIB = ".venv/lib";
/** The only folders whose packages are ever shown. */
export const DEPENDENCY_PATH = /^(?:node_modules|\.venv\/lib\/python3\.\d+\/site-packages)$/;

/**
 * The packages that are installed in a folder: `node_modules`, and those of `.venv`. What is a link is left out: it
 * could show the code anything of this machine.
 */
export async function findDependencies(directory: string): Promise<readonly Dependency[]> {
  const found: Dependency[] = [];
  if (await isFolder(join(directory, NODE_MODULES))) found.push({ kind: "node", path: NODE_MODULES });
  if (!(await isFolder(join(directory, ".venv"))) || !(await isFolder(join(directory, VENV_LIB)))) return found;
  const names: readonly string[] = await readdir(join(directory, VENV_LIB)).catch(() => []);
  for (const name of names.toSorted()) {
    const path = `${VENV_LIB}/${name}/site-packages`;
    const whole = (await isFolder(join(directory, VENV_LIB, name))) && (await isFolder(join(directory, path)));
    if (/^python3\.\d+$/.test(name) && whole) return [...found, { kind: "python", path }];
  }
  return found;
}

/** Those of `dependencies` that a folder has now: what was found before, or a receipt tells of, may be gone or a link. */
export async function presentDependencies({ directory, dependencies }: Packages): Promise<readonly Dependency[]> {
  const found = await findDependencies(directory);
  return found.filter(({ kind, path }) => dependencies.some((one) => one.kind === kind && one.path === path));
}

/**
 * `sandbox` with the packages of `directory` shown read-only to all that runs in it; `root`, a checkout, gets a link to
 * its `node_modules`. A package folder that the checkout holds itself stays in its place.
 */
export async function showDependencies(sandbox: Sandbox, root: string, packages: Packages): Promise<Sandbox> {
  const readOnly: { source: string; target: string }[] = [];
  const env: Record<string, string> = {};
  // They may be gone since the build began; its tests then say what they lack.
  for (const { kind, path } of await presentDependencies(packages)) {
    const source = join(packages.directory, path);
    const target = sandbox.mounts ? `${INSIDE}/${path}` : source;
    readOnly.push({ source, target });
    if (kind === "python") env["ATOS_PACKAGES"] = target;
    else if ((await lstat(join(root, path)).catch(() => undefined)) === undefined)
      await symlink(target, join(root, path));
  }
  return readOnly.length === 0 ? sandbox : equipSandbox(sandbox, { readOnly, env });
}

/** `sandbox` with the packages of `directory` for an agent's own commands: found by Node and Python, and no link made. */
export async function showToCommands(sandbox: Sandbox, packages: Packages): Promise<Sandbox> {
  const readOnly: { source: string; target: string }[] = [];
  const env: Record<string, string> = {};
  for (const { kind, path } of await presentDependencies(packages)) {
    const source = join(packages.directory, path);
    const target = sandbox.mounts ? FOR_COMMANDS[kind].target : source;
    readOnly.push({ source, target });
    if (kind === "python" || !sandbox.mounts) env[FOR_COMMANDS[kind].variable] = target;
  }
  return equipSandbox(sandbox, { readOnly, env });
}

/**
 * The virtual environment whose packages are shown, by its own path: its programs name it in their first lines. None
 * where its programs are a link.
 */
export async function presentEnvironment(packages: Packages): Promise<string | undefined> {
  const present = await presentDependencies(packages);
  const environment = join(packages.directory, ".venv");
  const whole = present.some(({ kind }) => kind === "python") && (await isFolder(join(environment, "bin")));
  return whole ? environment : undefined;
}

/** `sandbox` with the packages of a folder shown in whatever checkout a command runs in. */
export function withPackages(sandbox: Sandbox, packages: Packages): Sandbox {
  const { level, mounts, nodePath, pythonPath } = sandbox;
  return {
    level,
    mounts,
    nodePath,
    pythonPath,
    run: async (request, signal) => (await showDependencies(sandbox, request.root, packages)).run(request, signal),
  };
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}
