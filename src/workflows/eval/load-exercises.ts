import { readdir, readFile, stat } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join, relative } from "node:path";
import { z } from "zod";
import { showFile } from "../../agents/file-blocks.ts";
import { messageOf } from "../../base/errors.ts";
import { pathProblem } from "../../base/safe-path.ts";
import type { WorkspaceFile } from "../../journal/workspaces.ts";
import { isSourceFile, type Language } from "../../tools/language.ts";
import { badSuite, type EvalSuite, type EvalTask, makeSuite } from "./suite.ts";

const paths = z.array(z.string()).default([]);
const configSchema = z.object({
  files: z.object({
    solution: z.array(z.string()).min(1),
    test: z.array(z.string()).min(1),
    editor: paths,
    invalidator: paths,
  }),
});

const CONFIG = join(".meta", "config.json");
const MAX_DEPTH = 6;
const MAX_FOLDERS = 20_000;
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The suite of a folder of exercises as Exercism's tracks and aider's benchmark keep them: wherever a folder below
 * it has a `.meta/config.json`. Exercises in a language that ATOS does not have, or whose tests need a package, are
 * left out with a note.
 *
 * @throws {AtosError} `workflows/bad-suite` with the file that is wrong.
 */
export async function loadExercises(directory: string, languages: readonly Language[]): Promise<EvalSuite> {
  const folders = await findExercises(directory);
  const tasks: EvalTask[] = [];
  const notes: string[] = [];
  for (const folder of folders) {
    const id = relative(directory, folder) || ".";
    const read = await readExercise({ folder, id: id.replaceAll("\\", "/") }, languages);
    if ("task" in read) tasks.push(read.task);
    else notes.push(`${id} was left out: ${read.why}`);
  }
  if (folders.length === 0) throw badSuite(directory, `no folder in it has a ${CONFIG}`);
  return makeSuite("exercises", tasks, notes);
}

async function findExercises(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  let level = [directory];
  let looked = 0;
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      if (++looked > MAX_FOLDERS) throw badSuite(directory, `it has more than ${MAX_FOLDERS} folders`);
      if (await isFile(join(folder, CONFIG))) found.push(folder);
      else next.push(...(await foldersIn(folder)));
    }
    level = next;
  }
  return found.toSorted();
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw badSuite(folder, `it can't be read: ${messageOf(error)}`);
  });
  const names = entries.filter((entry) => entry.isDirectory() && !/^(?:\.|node_modules$)/.test(entry.name));
  return names.map(({ name }) => join(folder, name));
}

async function readExercise(
  { folder, id }: { readonly folder: string; readonly id: string },
  languages: readonly Language[],
): Promise<{ task: EvalTask } | { why: string }> {
  const { files } = await readConfig(join(folder, CONFIG));
  const language = languages.find((one) => isSourceFile(one, files.solution[0] ?? ""));
  if (language === undefined) return { why: `ATOS has no language for ${files.solution.join(", ")}` };
  const stubs = await readAll(folder, files.solution);
  const tests = await readAll(folder, files.test);
  const needs = tests.flatMap(neededPackages);
  if (needs.length > 0) return { why: `its tests need ${[...new Set(needs)].join(", ")}, which is not there offline` };
  const support = await readAll(folder, [...files.editor, ...files.invalidator]);
  const task: EvalTask = {
    id,
    language,
    goal: goalOf(await instructionsOf(folder), { stubs, fenceTag: language.fence }),
    entry: files.solution,
    hidden: [...tests, ...support.filter(({ path }) => !files.test.includes(path))],
    tests: files.test,
  };
  return { task };
}

async function readConfig(file: string): Promise<z.infer<typeof configSchema>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw badSuite(file, `it is no JSON (${messageOf(error)})`);
  }
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) throw badSuite(file, z.prettifyError(parsed.error).replaceAll("\n", " "));
  return parsed.data;
}

/** Absent and empty introductions and appendices are usual; instructions must be there. */
async function instructionsOf(folder: string): Promise<string> {
  const part = (name: string): Promise<string> => readFile(join(folder, ".docs", name), "utf8").catch(() => "");
  const instructions = await part("instructions.md");
  if (instructions.trim() === "") throw badSuite(join(folder, ".docs", "instructions.md"), "it is missing or empty");
  const parts = [await part("introduction.md"), instructions, await part("instructions.append.md")];
  return parts
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .join("\n\n");
}

function goalOf(
  instructions: string,
  { stubs, fenceTag }: { stubs: readonly WorkspaceFile[]; fenceTag: string },
): string {
  const names = stubs.map(({ path }) => path).join(", ");
  const shown = stubs.map((file) => showFile(file, fenceTag)).join("\n\n");
  return `${instructions}\n\nWrite ${names}, keeping the names and arguments that stand there already:\n\n${shown}\n`;
}

async function readAll(folder: string, names: readonly string[]): Promise<readonly WorkspaceFile[]> {
  return Promise.all(
    names.map(async (path) => {
      const problem = pathProblem(path);
      if (problem !== undefined) throw badSuite(join(folder, CONFIG), `${JSON.stringify(path)}: ${problem}`);
      const file = join(folder, path);
      try {
        const { size } = await stat(file);
        if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, and ${MAX_FILE_BYTES} is the most`);
        return { path, content: await readFile(file, "utf8") };
      } catch (error) {
        throw badSuite(file, `it can't be read: ${messageOf(error)}`);
      }
    }),
  );
}

/** Packages that a test written in JavaScript or TypeScript imports; nothing is there but Node's own. Pure. */
function neededPackages({ path, content }: WorkspaceFile): readonly string[] {
  if (!/\.[cm]?[jt]sx?$/.test(path)) return [];
  return [...content.matchAll(/^\s*import\s[^'"]*['"]([^'"]+)['"]/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => !name.startsWith(".") && !isBuiltin(name));
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
