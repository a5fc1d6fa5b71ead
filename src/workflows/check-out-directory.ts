import { mkdtemp, readdir, realpath, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { messageOf, usageError } from "../base/errors.ts";

/**
 * The folder a build delivers to, as an absolute path without symbolic links, found fit: new or
 * empty, writable, and not inside ATOS's own state. Nothing is left behind by looking.
 *
 * @throws {AtosError} `workflows/bad-directory`
 */
export async function checkOutDirectory(given: string, stateRoot: string): Promise<string> {
  // An unset variable in a script; resolved, it would be the current folder.
  if (given === "") throw refuse('""', "it is no name");
  const wanted = resolve(given);
  const existing = await nearestExisting(wanted);
  const real = join(await realpath(existing), wanted.slice(existing.length));
  const state = await realpath(stateRoot).catch(() => stateRoot);
  if (`${state}${sep}`.startsWith(`${real}${sep}`))
    throw refuse(given, `ATOS's own state folder ${state} is inside it`);
  if (`${real}${sep}`.startsWith(`${state}${sep}`))
    throw refuse(given, `it is inside ATOS's own state folder ${state}`);
  if (!(await stat(existing)).isDirectory())
    throw refuse(given, `${existing === wanted ? "it" : existing} is a file, not a folder`);
  if (existing === wanted) {
    const entries = await readdir(real).catch((error: unknown) => {
      throw refuse(given, `it is not a folder that can be read: ${messageOf(error)}`);
    });
    if (entries.length > 0)
      throw refuse(
        given,
        `it exists and is not empty (${entries.slice(0, 3).join(", ")}${entries.length > 3 ? ", …" : ""})`,
      );
  }
  await probeWritable(given, existing);
  return real.length > 1 && real.endsWith(sep) ? real.slice(0, -1) : real;
}

async function nearestExisting(path: string): Promise<string> {
  for (let current = path; ; current = dirname(current)) {
    const found = await stat(current).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      // A file in the middle of the path: its own folder's turn to be looked at comes next.
      if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return undefined;
      throw refuse(path, messageOf(error));
    });
    if (found !== undefined || dirname(current) === current) return current;
  }
}

/** Permissions, read-only file systems and full ones answer to one question only: a real write. */
async function probeWritable(given: string, existing: string): Promise<void> {
  try {
    await rmdir(await mkdtemp(join(existing, `.${basename(given).slice(0, 40)}-atos-`)));
  } catch (error) {
    throw refuse(given, `nothing can be written there: ${messageOf(error)}`);
  }
}

function refuse(given: string, why: string): Error {
  return usageError(
    "workflows/bad-directory",
    `can't deliver to ${given}: ${why}. Name a new or empty folder with --out`,
  );
}
