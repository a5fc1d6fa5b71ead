import { createInterface } from "node:readline/promises";
import { EXIT, missingError, usageError } from "../base/errors.ts";
import { loadCatalog } from "../engine/catalog/catalog.ts";
import { pulledPath } from "../engine/catalog/pull-target.ts";
import { takeFileLock } from "../store/file-lock.ts";
import { bytesText } from "./bytes-text.ts";
import { commandContext } from "./context.ts";
import { findLocalModel, localModels, removeModelFiles, unknownModel } from "./models-folder.ts";
import type { Output } from "./output.ts";

/** `atos models rm NAME`: deletes a pulled model, or what a broken-off pull left of it. */
export async function runModelsRmCommand(
  name: string,
  flags: { readonly yes?: boolean },
  output: Output,
): Promise<number> {
  const { folder } = commandContext();
  const models = await localModels(folder.models);
  const found = findLocalModel(models, name, await loadCatalog());
  if (found === undefined)
    throw unknownModel(
      name,
      models.map((model) => model.name),
    );
  if (found.kind === "own") throw usageError("cli/own-model", `${name} belongs to ATOS and is not removed`);
  if (flags.yes !== true && !(await isConfirmed(`Delete ${found.name} (${bytesText(found.bytes)})? [y/N] `))) {
    output.emit({ name: found.name, removed: false });
    output.say("nothing was deleted");
    return EXIT.done;
  }
  const path = pulledPath(folder.models, found.name);
  using lock = takeFileLock(`${path}.lock`);
  if (lock === undefined)
    throw missingError("engine/pull-busy", `${found.name} is being fetched by another process; end that first`);
  await removeModelFiles(path);
  output.emit({ name: found.name, removed: true, bytes: found.bytes });
  output.say(`deleted ${found.name}, ${bytesText(found.bytes)}`);
  return EXIT.done;
}

async function isConfirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw usageError("cli/not-confirmed", "nobody can be asked here whether to delete it; give --yes if you mean it");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
