import { existsSync } from "node:fs";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { writeInside } from "../filesystem/write-inside.ts";
import { ToolFailure } from "../tool-failure.ts";
import { LOCK_FILES, lockFolder, packagesTarget, readIfThere } from "./dependency-mounts.ts";
import { npmFailure, npmRun, readNpmLock } from "./npm-install.ts";
import { npmDependencies, pinInManifest, pinnedInManifest } from "./npm-manifest.ts";
import { type Manager, normalName, type PackageRequest } from "./package-request.ts";
import { pipFailure, pipRun, readPipReport } from "./pip-install.ts";
import type { Registry } from "./registries.ts";
import { parseRequirements } from "./requirements.ts";
import { openStaging, publish, runStaged } from "./stage-install.ts";

export type InstallDeps = {
  readonly sandbox: Sandbox;
  /** The workspace: there is recorded what it needs. */
  readonly root: string;
  /** Where packages are kept, outside every workspace. */
  readonly store: string;
  readonly registries: Readonly<Record<Manager, Registry>>;
  /** The folder of npm itself; looked for when it is needed. */
  readonly npm: () => string;
};

export type InstalledPackage = {
  readonly name: string;
  readonly version: string;
  /** The registry's checksum, as its manager writes it. */
  readonly integrity: string;
  readonly manager: Manager;
  /** Where commands in the sandbox find it. */
  readonly installedTo: string;
  /** Of all packages together; absent when everything was there before. */
  readonly files?: number;
};

type Lock = { readonly text: string; readonly version: string; readonly integrity: string };

/**
 * Installs a package and all it needs from the registry, in a folder of the store that no other lock shares, and then
 * records it in the workspace. Cut off anywhere, it has changed nothing or can be made again.
 *
 * @throws {ToolFailure} with what the model should know.
 */
export async function installPackage(
  deps: InstallDeps,
  request: PackageRequest,
  signal: AbortSignal,
): Promise<InstalledPackage> {
  const there = request.manager === "npm" ? npmThere(deps, request) : pipThere(deps, request);
  if (there !== undefined) return described(deps, request, there);
  await using staging = await openStaging(deps.store);
  const install = request.manager === "npm" ? installWithNpm : installWithPip;
  const lock = await install({ ...deps, staging: staging.root }, request, signal);
  const place = { root: staging.root, store: deps.store };
  const files = await publish(place, { manager: request.manager, text: lock.text }, signal);
  record(deps.root, request, lock);
  return { ...described(deps, request, lock), files };
}

async function installWithNpm(
  deps: InstallDeps & { readonly staging: string },
  request: PackageRequest,
  signal: AbortSignal,
): Promise<Lock> {
  const { sandbox, staging: root, registries } = deps;
  const known = npmDependencies(readIfThere(deps.root, "package.json"));
  const lock = ownLock(deps, "npm");
  const run = npmRun({ sandbox, npm: deps.npm(), registry: registries.npm }, request, { known, lock });
  const report = await runStaged({ sandbox, root }, run, signal);
  if (report.exitCode !== 0) throw new ToolFailure(npmFailure(report, request, registries.npm));
  return readNpmLock(root, request);
}

async function installWithPip(
  deps: InstallDeps & { readonly staging: string },
  request: PackageRequest,
  signal: AbortSignal,
): Promise<Lock> {
  const { sandbox, staging: root, registries } = deps;
  const known = parseRequirements(readIfThere(deps.root, LOCK_FILES.pip));
  const run = pipRun({ sandbox, registry: registries.pip }, request, known);
  const report = await runStaged({ sandbox, root }, run, signal);
  if (report.exitCode !== 0) throw new ToolFailure(pipFailure(report, request, registries.pip));
  return readPipReport(root, request, known);
}

function npmThere(deps: InstallDeps, request: PackageRequest): Lock | undefined {
  if (ownLock(deps, "npm") === undefined) return undefined;
  const pinned = pinnedInManifest(readIfThere(deps.root, "package.json"), request.name);
  const lock = pinned === undefined ? undefined : readNpmLock(deps.root, request);
  return lock?.version === pinned && isWanted(lock, request) ? lock : undefined;
}

function pipThere(deps: InstallDeps, request: PackageRequest): Lock | undefined {
  const text = ownLock(deps, "pip");
  const found = parseRequirements(text).find(({ name }) => normalName("pip", name) === normalName("pip", request.name));
  if (text === undefined || found === undefined) return undefined;
  const lock = { text, version: found.versions.slice(2), integrity: `sha256:${found.sha256[0] ?? ""}` };
  return isWanted(lock, request) ? lock : undefined;
}

function isWanted(lock: Lock | undefined, { version }: PackageRequest): boolean {
  return lock !== undefined && (version === undefined || version === lock.version);
}

/** The workspace's lock, if it is one that was written here: any other may name what it likes. */
function ownLock({ root, store }: InstallDeps, manager: Manager): string | undefined {
  const text = readIfThere(root, LOCK_FILES[manager]);
  return text !== undefined && existsSync(lockFolder(store, manager, text)) ? text : undefined;
}

function record(root: string, { manager, name }: PackageRequest, lock: Lock): void {
  writeInside(root, LOCK_FILES[manager], lock.text);
  if (manager === "npm") {
    writeInside(root, "package.json", pinInManifest(readIfThere(root, "package.json"), name, lock.version));
  }
}

function described(deps: InstallDeps, { manager, name }: PackageRequest, lock: Lock): InstalledPackage {
  const { version, integrity, text } = lock;
  const installedTo = packagesTarget(deps.store, { manager, text }, deps.sandbox);
  return { name, version, integrity, manager, installedTo };
}
