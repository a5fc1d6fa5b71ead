import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { messageOf, usageError } from "../../base/errors.ts";

/** By server, then by the server's name of a tool: the fingerprint of what was first shown of it, or accepted since. */
export type KnownTools = Readonly<Record<string, Readonly<Record<string, string>>>>;

const knownSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** Nothing where there is no such file. */
export async function readKnownTools(file: string): Promise<KnownTools> {
  try {
    return knownSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw usageError(
      "tools/bad-known-tools",
      `${file} can't be read: ${messageOf(error)}; remove it to see every server's tools as new`,
    );
  }
}

/** Puts `tools` in the place of what was known of the server's tools of these names. */
export async function rememberTools(file: string, server: string, tools: ReadonlyMap<string, string>): Promise<void> {
  const known = await readKnownTools(file);
  const mine = { ...known[server], ...Object.fromEntries(tools) };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify({ ...known, [server]: mine }, undefined, 2)}\n`, { mode: 0o600 });
  await rename(temporary, file);
}
