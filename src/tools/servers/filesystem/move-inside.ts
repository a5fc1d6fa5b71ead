import { renameSync } from "node:fs";
import { ToolFailure } from "../tool-failure.ts";
import { touching } from "./file-failure.ts";
import { entryOf, openFolder, partsOf } from "./opened-folder.ts";

/**
 * Gives a file, folder or link of the workspace another path, and makes the folders it comes to lie in.
 *
 * @throws {ToolFailure} when there is nothing to move, or something at the new path already.
 */
export function moveInside(root: string, from: string, to: string): void {
  const [source, target] = [partsOf(from), partsOf(to)];
  const [oldName, newName] = [source.at(-1) ?? "", target.at(-1) ?? ""];
  using sourceFolder = openFolder(root, source.slice(0, -1));
  if (entryOf(sourceFolder, oldName) === undefined)
    throw new ToolFailure(`${from} does not exist; list_files shows what is there.`);
  if (`${to}/`.startsWith(`${from}/`)) throw new ToolFailure(`${from} can't be moved to ${to}: that is in itself.`);
  using targetFolder = openFolder(root, target.slice(0, -1), { make: true });
  if (entryOf(targetFolder, newName) !== undefined)
    throw new ToolFailure(`${to} exists already; choose another name, or delete_file it first.`);
  touching(to, () => renameSync(sourceFolder.at(oldName), targetFolder.at(newName)));
}
