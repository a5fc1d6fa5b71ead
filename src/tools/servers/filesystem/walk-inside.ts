import { type BigIntStats, opendirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { isReservedName } from "../../../base/safe-path.ts";
import { ToolFailure } from "../tool-failure.ts";
import { touching } from "./file-failure.ts";
import { entryOf, type OpenedFolder, openFolder, partsOf } from "./opened-folder.ts";

/** Looked at in one folder, and in a whole walk. */
const MAX_IN_FOLDER = 10_000;
const MAX_ENTRIES = 50_000;
/** Looked at before other work of this process has its turn. */
const ENTRIES_A_TURN = 64;
/** Shown and not entered: full of what others wrote. */
const FOREIGN = new Set(["node_modules", "__pycache__", ".venv", "venv", ".pytest_cache"]);

export type WalkedEntry = {
  /** Relative to the workspace. */
  readonly path: string;
  readonly name: string;
  readonly kind: "file" | "folder" | "link" | "other";
  readonly bytes: number;
  /** The folder it lies in, open until the next entry is asked for. */
  readonly folder: OpenedFolder;
};

export type Walk = { readonly path: string; readonly depth: number };

/**
 * What lies in the workspace's folder `path`, folder by folder, the nearest first, by name within each; `depth` 1 is
 * the folder alone. Links are told and not followed; what belongs to git and ATOS is left out.
 *
 * @throws {ToolFailure} when `path` is no folder of the workspace. One that vanishes on the way is passed over.
 */
export async function* walkInside(root: string, walk: Walk, signal: AbortSignal): AsyncGenerator<WalkedEntry> {
  const start = partsOf(walk.path, { root: "allowed" });
  const last = start.at(-1);
  if (last !== undefined) {
    using parent = openFolder(root, start.slice(0, -1));
    const entry = entryOf(parent, last);
    if (entry?.isFile() === true) {
      yield { path: walk.path, name: last, kind: "file", bytes: Number(entry.size), folder: parent };
      return;
    }
  }
  const waiting: (readonly string[])[] = [start];
  for (let next = 0, seen = 0; next < waiting.length && seen < MAX_ENTRIES; next++) {
    await turn(signal);
    const parts = waiting[next] ?? [];
    using folder = openedUnlessGone(root, parts, next === 0);
    if (folder === undefined) continue;
    for (const name of namesIn(folder, parts.join("/"))) {
      const entry = entryOf(folder, name);
      if (entry === undefined || ++seen > MAX_ENTRIES) continue;
      if (seen % ENTRIES_A_TURN === 0) await turn(signal);
      const inner = [...parts, name];
      const kind = kindOf(entry);
      yield { path: inner.join("/"), name, kind, bytes: kind === "file" ? Number(entry.size) : 0, folder };
      if (kind === "folder" && !FOREIGN.has(name) && inner.length - start.length < walk.depth) waiting.push(inner);
    }
  }
}

/** A large workspace must not keep this process from everything else, an end of the call among it. */
async function turn(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}

function kindOf(entry: BigIntStats): WalkedEntry["kind"] {
  if (entry.isDirectory()) return "folder";
  if (entry.isFile()) return "file";
  return entry.isSymbolicLink() ? "link" : "other";
}

function openedUnlessGone(root: string, parts: readonly string[], isStart: boolean): OpenedFolder | undefined {
  try {
    return openFolder(root, parts);
  } catch (error) {
    if (isStart || !(error instanceof ToolFailure)) throw error;
    return undefined;
  }
}

function namesIn(folder: OpenedFolder, path: string): readonly string[] {
  return touching(path, () => {
    const directory = opendirSync(folder.place);
    try {
      const names: string[] = [];
      for (let entry = directory.readSync(); entry !== null && names.length < MAX_IN_FOLDER; ) {
        if (!isReservedName(entry.name)) names.push(entry.name);
        entry = directory.readSync();
      }
      return names.sort();
    } finally {
      directory.closeSync();
    }
  });
}
