import { basename } from "node:path";
import type { Roster } from "../agents/roster.ts";
import { identifyGguf } from "../engine/gguf/gguf-identity.ts";
import type { ModelSource } from "../engine/model.ts";

/** Models and seats of a roster in words that change when the weights, their settings, or who has them, do. */
export async function pinModels(
  roster: Pick<Roster, "models" | "tiers" | "roles">,
): Promise<{ readonly models: readonly string[]; readonly seats: Readonly<Record<string, string>> }> {
  return {
    models: await Promise.all(roster.models.map(pinModel)),
    seats: { ...roster.tiers, ...roster.roles },
  };
}

async function pinModel(source: ModelSource): Promise<string> {
  if (source.kind === "openai") {
    const { kind: _, id, baseUrl, model, apiKeyVariable: _variable, apiKeyFile: _file, ...settings } = source;
    return `${id} = ${baseUrl}#${model}${settingsText(settings)}`;
  }
  const { kind: _, id, path, adapters = [], ...settings } = source;
  const parts = [await pinFile(path)];
  for (const { path: adapter, scale } of adapters) parts.push(`${await pinFile(adapter)} × ${scale}`);
  return `${id} = ${parts.join(" + ")}${settingsText(settings)}`;
}

async function pinFile(path: string): Promise<string> {
  const { sha256, bytes } = await identifyGguf(path);
  return `${basename(path)} (${sha256?.slice(0, 16) ?? `${bytes} bytes`})`;
}

/** They say how much goes on at once, and nothing of what a model answers. */
const OF_NO_MATTER = new Set(["requestsPerMinute", "concurrency", "pinned", "slots"]);

/** Sorted: a roster's file may write them in any order. */
function settingsText(settings: Readonly<Record<string, unknown>>): string {
  const told = Object.entries(settings).filter(([name, value]) => value !== undefined && !OF_NO_MATTER.has(name));
  return told
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `, ${name} ${String(value)}`)
    .join("");
}
