import { readFile, stat } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { messageOf } from "../../base/errors.ts";
import { badSuite } from "./suite.ts";

const MAX_BYTES = 64 * 1024 * 1024;

export type JsonLine<T> = { readonly value: T; readonly line: number };

/**
 * The lines of a JSON Lines file, packed by gzip or not, each with its number; empty ones are left out.
 *
 * @throws {AtosError} `workflows/bad-suite` with file and line.
 */
export async function readJsonLines<T>(file: string, schema: z.ZodType<T>): Promise<readonly JsonLine<T>[]> {
  const text = await readPlain(file);
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const where = `${file}, line ${index + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw badSuite(where, `it is no JSON (${messageOf(error)})`);
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw badSuite(where, z.prettifyError(parsed.error).replaceAll("\n", " "));
    return [{ value: parsed.data, line: index + 1 }];
  });
}

async function readPlain(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, and ${MAX_BYTES} is the most`);
    const bytes = await readFile(file);
    // By what it is, not by its name.
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (packed ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes).toString("utf8");
  } catch (error) {
    throw badSuite(file, `it can't be read: ${messageOf(error)}`);
  }
}
