import { basename } from "node:path";
import type { ModelSource } from "../engine/model.ts";

/** From so many billion parameters on, repairs help much more (see docs/team.md). */
const LARGE_BILLION = 14;

/** Repairs of one sample, for models below and from 14 billion parameters. */
export type FixRounds = { readonly small: number; readonly large: number };

/** How many repairs each model may make of one sample, by its id. A model that does not say its size counts as small. Pure. */
export function fixRoundsOf(models: readonly ModelSource[], rounds: FixRounds): Readonly<Record<string, number>> {
  return Object.fromEntries(
    models.map((model) => [model.id, (billionsOf(model) ?? 0) >= LARGE_BILLION ? rounds.large : rounds.small]),
  );
}

/** What a model's name says of its size, in billions of parameters; of a mixture all of them, experts that rest too. Pure. */
export function billionsOf(source: ModelSource): number | undefined {
  const names = source.kind === "openai" ? [source.model, source.id] : [source.id, basename(source.path)];
  for (const name of names) {
    const found = /(?:^|[^a-z0-9.])(\d+(?:\.\d+)?)\s?b(?![a-z0-9])/i.exec(name)?.[1];
    if (found !== undefined) return Number(found);
  }
  return undefined;
}
