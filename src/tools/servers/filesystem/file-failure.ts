import { ToolFailure } from "../tool-failure.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist; list_files shows what is there",
  ENOTDIR: "can't be, for a part of it is a file and not a folder",
  EISDIR: "is a folder, not a file",
  ELOOP: "is a link, and links are not followed",
  EACCES: "can't be used: permission denied",
  EPERM: "can't be used: permission denied",
  EEXIST: "exists already",
  ENOTEMPTY: "is a folder that is not empty",
  ENAMETOOLONG: "has a name that is too long; choose a shorter one",
  ENOSPC: "can't be written: the disk is full; delete what is not needed",
  EDQUOT: "can't be written: the disk is full; delete what is not needed",
  EFBIG: "can't be written: it is too large",
  EROFS: "can't be written: the workspace is read-only",
  EXDEV: "can't be moved there: it is on another disk",
  EINVAL: "can't be moved there: a folder can't be moved into itself",
  ENXIO: "is not a regular file",
};

/** What the system said of the workspace's `path`, as a failure without any path of the machine; a surprise as it is. */
function fileFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  const words = WORDS[error.code];
  return words === undefined ? error : new ToolFailure(`${path} ${words}.`);
}

/** Runs `work`, which touches `path`. */
export function touching<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileFailure(error, path);
  }
}
