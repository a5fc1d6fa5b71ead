import { randomUUID } from "node:crypto";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AtosError } from "../base/errors.ts";
import { syncFolder } from "./sync-folder.ts";

/**
 * Makes the name, as `refs/heads/main`, stand for a commit, as `git update-ref` does. It outlasts a power loss.
 *
 * @throws `journal/bad-path` for what git would not take for a name.
 */
export async function writeReference(repository: string, name: string, commit: string): Promise<void> {
  // Stricter than git: what is made here needs no more.
  const isPlain = name.split("/").every((part) => /^\w[\w.-]*$/.test(part) && !/\.\.|\.$|\.lock$/.test(part));
  if (!isPlain || !name.startsWith("refs/"))
    throw new AtosError("journal/bad-path", `${JSON.stringify(name)} can't be the name of a branch`);
  const path = join(repository, name);
  const temporary = join(repository, "objects", `tmp_ref_${randomUUID()}`);
  const first = await mkdir(dirname(path), { recursive: true });
  await using file = await open(temporary, "wx", 0o644);
  await file.writeFile(`${commit}\n`);
  await file.sync();
  await rename(temporary, path);
  for (let folder = dirname(path); folder.length > repository.length; folder = dirname(folder)) {
    await syncFolder(folder);
    // Above what was made here, nothing is new.
    if (first === undefined) break;
  }
}
