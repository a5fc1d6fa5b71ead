import { basename } from "node:path";
import type { Roster } from "../agents/roster.ts";
import { identifyGguf } from "../engine/gguf/gguf-identity.ts";
import type { ModelSource } from "../engine/model.ts";

/** Models and seats of a roster in words that change when the weights, or who has them, do. */
export async function pinModels(
  roster: Roster,
): Promise<{ readonly models: readonly string[]; readonly seats: Readonly<Record<string, string>> }> {
  return {
    models: await Promise.all(roster.models.map(pinModel)),
    seats: { ...roster.tiers, ...roster.roles },
  };
}

async function pinModel(source: ModelSource): Promise<string> {
  if (source.kind === "openai") return `${source.id} = ${source.baseUrl}#${source.model}`;
  const { sha256, bytes } = await identifyGguf(source.path);
  return `${source.id} = ${basename(source.path)} (${sha256?.slice(0, 16) ?? `${bytes} bytes`})`;
}
