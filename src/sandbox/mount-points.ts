import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { lstatSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { AtosError, messageOf, usageError } from "../base/errors.ts";
import { HIDDEN_NAMES } from "./hidden-names.ts";

/** An entry of the workspace over which something empty is to be mounted. */
export type HiddenEntry = { readonly name: string; readonly kind: "folder" | "file" };

export type MountPoints = Disposable & { readonly hidden: readonly HiddenEntry[] };

/** Names a call that mounts over the folder which holds it, by the process that makes it. */
const TOKEN = /^\.sandbox-(\d+)-[0-9a-f]{16}$/;
/** Another call may take away what this one was about to use; it cannot do so for ever. */
const ATTEMPTS = 100;

/**
 * Sees to it that every hidden entry of the workspace is there to be mounted over, until disposed.
 *
 * A folder that is removed outside takes the mount with it inside, where a command could then make the entry itself.
 * So each call leaves a token in the folders that were made for this, and the last to go removes them; calls in other
 * processes included, and without a lock. Tokens are folders, which no git tree shows; those of dead processes go.
 *
 * @throws `sandbox/not-hidden` for an entry that is a link or a thing that can't be mounted over, and where the
 * workspace lets nobody make it.
 */
export function holdMountPoints(root: string): MountPoints {
  const held: { readonly hidden: HiddenEntry; release(): void }[] = [];
  const release = (): void => held.forEach((one) => one.release());
  try {
    for (const name of HIDDEN_NAMES) held.push(hold(root, name));
  } catch (error) {
    release();
    if (error instanceof AtosError) throw error;
    throw new AtosError(
      "sandbox/not-hidden",
      `${HIDDEN_NAMES.join(" and ")} of the workspace ${root} could not be hidden: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return { hidden: held.map(({ hidden }) => hidden), [Symbol.dispose]: release };
}

function hold(root: string, name: string): { readonly hidden: HiddenEntry; release(): void } {
  const path = join(root, name);
  const token = join(path, `.sandbox-${process.pid}-${randomBytes(8).toString("hex")}`);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const made = madeFolder(path);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (found.isFile() && name === ".git") return { hidden: { name, kind: "file" }, release: () => {} };
    if (!found.isDirectory()) throw wrongKind(path, found);
    const hidden: HiddenEntry = { name, kind: "folder" };
    const entries = made ? [] : readdirSync(path);
    if (!entries.every((entry) => TOKEN.test(entry))) return { hidden, release: () => {} };
    for (const entry of entries) if (!isAlive(entry)) unlessInUse(() => rmdirSync(join(path, entry)));
    // What is empty and was not made here is somebody's own, and stays.
    const ours = made || entries.length > 0;
    if (!unlessInUse(() => mkdirSync(token))) continue;
    const release = (): void => {
      unlessInUse(() => rmdirSync(token));
      if (ours) unlessInUse(() => rmdirSync(path));
    };
    return { hidden, release };
  }
  throw new AtosError("sandbox/not-hidden", `${path} came and went ${ATTEMPTS} times while it was to be hidden.`);
}

function madeFolder(path: string): boolean {
  return unlessInUse(() => mkdirSync(path));
}

/** False when somebody else was there first, or is there still. */
function unlessInUse(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST" || code === "ENOENT" || code === "ENOTEMPTY" || code === "ENOTDIR") return false;
    throw error;
  }
}

function isAlive(token: string): boolean {
  try {
    process.kill(Number(TOKEN.exec(token)?.[1]), 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function wrongKind(path: string, found: Stats): AtosError {
  const kind = found.isSymbolicLink() ? "a symbolic link" : found.isFile() ? "a file" : "no folder";
  return usageError("sandbox/not-hidden", `${path} is ${kind} and cannot be hidden from commands. Move it away.`);
}
