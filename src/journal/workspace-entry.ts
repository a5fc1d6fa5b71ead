import type { Stats } from "node:fs";

/**
 * One entry of a workspace, on disk or wanted there. Names are bytes, one character for each (`latin1`): they need
 * not be UTF-8, and compare as git compares them.
 */
export type WorkspaceEntry = WorkspaceLeaf | WorkspaceBranch;

export type WorkspaceLeaf = {
  readonly kind: "file" | "link";
  /** Of the blob: a file's content, a link's target. */
  readonly hash: string;
  readonly executable: boolean;
  /** What the file system said of it when it was read; absent while it is not known to be on disk. */
  readonly stamp?: Stamp;
};

export type WorkspaceBranch = {
  readonly kind: "folder";
  readonly entries: Map<string, WorkspaceEntry>;
  /** The git tree, or undefined where there is no file below. */
  readonly tree?: string;
};

export type Stamp = {
  readonly mode: number;
  readonly inode: number;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Unlike the time of modification, no command can set it back. */
  readonly changedMs: number;
  /** Whether a later change is sure to show in it. */
  readonly settled: boolean;
};

/** A file changed again within one tick of the file system's clock keeps its time. */
const TICK_MS = 20;
/** Where times have no fraction, the file system may count in seconds, or in two. */
const COARSE_TICK_MS = 2000;

/** The stamp of an entry whose content is read at `nowMs` or later. */
export function stampOf(stats: Stats, nowMs: number): Stamp {
  const tickMs = stats.ctimeMs % 1000 === 0 ? COARSE_TICK_MS : TICK_MS;
  return {
    mode: stats.mode,
    inode: stats.ino,
    bytes: stats.size,
    modifiedMs: stats.mtimeMs,
    changedMs: stats.ctimeMs,
    settled: stats.ctimeMs < nowMs - tickMs,
  };
}

/** Whether the entry is as it was when `stamp` was taken. False when that can't be told: it must be read again. */
export function isUntouched(stamp: Stamp | undefined, stats: Stats): boolean {
  return (
    stamp?.settled === true &&
    stamp.changedMs === stats.ctimeMs &&
    stamp.modifiedMs === stats.mtimeMs &&
    stamp.bytes === stats.size &&
    stamp.inode === stats.ino &&
    stamp.mode === stats.mode
  );
}
