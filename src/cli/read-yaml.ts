import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, usageError } from "../base/errors.ts";

/** The keys and values of a settings file; none where there is no file. @throws `cli/bad-setting` */
export async function readYaml(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return {};
    throw usageError("cli/bad-setting", `the settings in ${file} can't be read: ${messageOf(error)}`);
  }
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    throw usageError("cli/bad-setting", `${file} is not YAML: ${messageOf(error)}`);
  }
  const object = z.record(z.string(), z.unknown()).safeParse(value);
  if (!object.success) throw usageError("cli/bad-setting", `${file} must hold key: value lines`);
  return object.data;
}
