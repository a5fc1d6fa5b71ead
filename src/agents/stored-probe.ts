import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { TOOL_FORMATS } from "../engine/dialects/tool-format.ts";
import type { ModelSource } from "../engine/model.ts";
import { weightsIdentity } from "../engine/embedded/saved-cache.ts";
import type { ProbeReport } from "./probe-model.ts";

const reportSchema = z.object({
  formats: z.array(
    z.object({ format: z.enum(TOOL_FORMATS), right: z.number(), of: z.number(), wrong: z.array(z.string()) }),
  ),
  best: z.enum(TOOL_FORMATS),
  followsSchema: z.boolean(),
  followsForcedSchema: z.boolean().optional(),
  stops: z.boolean(),
  honoursSystemPrompt: z.boolean(),
  thinking: z.object({ on: z.boolean(), off: z.boolean() }).optional(),
  promptTokensPerSecond: z.number(),
  outputTokensPerSecond: z.number(),
  score: z.number(),
});

const storedSchema = z.object({ model: z.string(), probedAt: z.string(), report: reportSchema });

export type StoredProbe = Readonly<z.infer<typeof storedSchema>>;

/** Keeps what a probe found, in a file of its own per set of weights; a newer probe replaces an older one. */
export async function storeProbe(
  directory: string,
  source: ModelSource,
  { report, at }: { readonly report: ProbeReport; readonly at: Date },
): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = await pathOf(directory, source);
  const stored = { model: source.id, probedAt: at.toISOString(), report };
  await writeFile(`${path}.new`, `${JSON.stringify(stored, undefined, 2)}\n`);
  await rename(`${path}.new`, path);
  return path;
}

/** What was found about a model, if it was ever probed and the file can be read. */
export async function findProbe(directory: string, source: ModelSource): Promise<StoredProbe | undefined> {
  const text = await readFile(await pathOf(directory, source), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return storedSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The same weights have the same probe, wherever they lie; of a server only its address is known. */
async function pathOf(directory: string, source: ModelSource): Promise<string> {
  const identity = source.kind === "gguf" ? await weightsIdentity(source.path) : `${source.baseUrl}#${source.model}`;
  return join(directory, `${createHash("sha256").update(identity).digest("hex")}.json`);
}
