import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf } from "../../base/errors.ts";
import { TASK_TIERS } from "../../base/task.ts";
import { findLanguage } from "../../tools/find-language.ts";
import { isTestFile, type Language } from "../../tools/language.ts";
import { readFolder } from "./read-folder.ts";
import { badSuite, type EvalSuite, type EvalTask, makeSuite } from "./suite.ts";

const taskSchema = z.strictObject({
  language: z.string(),
  tier: z.enum(TASK_TIERS).optional(),
  goal: z.string(),
  entry: z.array(z.string()).default([]),
});

/**
 * The suite of a folder in ATOS's own format: `tasks/ID/task.yaml` with the hidden tests in `tasks/ID/hidden/`, and
 * in `support/LANGUAGE/` what the hidden tests of a language share. A hidden file is run when its name is a test's.
 *
 * @throws {AtosError} `workflows/bad-suite` with the file that is wrong.
 */
export async function loadTaskFolders(
  directory: string,
  name: string,
  languages: readonly Language[],
): Promise<EvalSuite> {
  const folder = join(directory, "tasks");
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw badSuite(directory, `its folder tasks can't be read: ${messageOf(error)}`);
  });
  const ids = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return makeSuite(name, await Promise.all(ids.toSorted().map((id) => readTask(directory, id, languages))));
}

async function readTask(directory: string, id: string, languages: readonly Language[]): Promise<EvalTask> {
  const folder = join(directory, "tasks", id);
  const { goal, entry, tier, ...read } = await readTaskFile(join(folder, "task.yaml"));
  const language = findLanguage(read.language, languages);
  if (language === undefined) throw badSuite(join(folder, "task.yaml"), `ATOS has no language ${read.language}`);
  const own = await readFolder(join(folder, "hidden"));
  const tests = own.map(({ path }) => path).filter((path) => isTestFile(language, path));
  const support = await readFolder(join(directory, "support", language.id));
  return {
    id,
    language,
    ...(tier === undefined ? {} : { tier }),
    goal: goal.trim(),
    entry,
    hidden: [...own, ...support],
    tests,
  };
}

async function readTaskFile(file: string): Promise<z.infer<typeof taskSchema>> {
  let value: unknown;
  try {
    value = parse(await readFile(file, "utf8"));
  } catch (error) {
    throw badSuite(file, messageOf(error));
  }
  const parsed = taskSchema.safeParse(value);
  if (!parsed.success) throw badSuite(file, z.prettifyError(parsed.error).replaceAll("\n", " "));
  return parsed.data;
}
