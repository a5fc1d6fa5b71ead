import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, usageError } from "../base/errors.ts";
import { BUILT_IN_LANGUAGES } from "./built-in-languages.ts";
import { type Language, languageSchema } from "./language.ts";

/**
 * The built-in languages, then those of the `*.yaml` files in `folders`, in the order of their names. A later one takes
 * the place of an earlier one with its id; a folder that is not there has none.
 *
 * @throws `tools/language-file` for one that can't be read, with what is wrong in it.
 */
export async function loadLanguages(folders: readonly string[]): Promise<readonly Language[]> {
  const byId = new Map(BUILT_IN_LANGUAGES.map((language) => [language.id, language]));
  for (const folder of folders) {
    for (const name of (await namesIn(folder)).filter((one) => one.endsWith(".yaml")).toSorted()) {
      const language = await readLanguage(join(folder, name));
      byId.set(language.id, language);
    }
  }
  return [...byId.values()];
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw usageError("tools/language-file", `The folder of languages ${folder} can't be read: ${messageOf(error)}`);
  }
}

async function readLanguage(file: string): Promise<Language> {
  try {
    return languageSchema.parse(parse(await readFile(file, "utf8")));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw usageError(
      "tools/language-file",
      `The language file ${file} can't be used; correct it or remove it:\n${why}`,
    );
  }
}
