import { missingError } from "../base/errors.ts";
import { sizeText } from "./devices/device-reading.ts";
import type { KnownModel } from "./known-models.ts";
import type { PlacementChoice } from "./ledger/placements-of.ts";
import { SMALLER } from "./pool-loader.ts";
import type { PoolParts } from "./pool-view.ts";
import type { TurnWork } from "./pool-works.ts";
import { bytesWith } from "./resident.ts";
import { shrinkModel } from "./shrink-model.ts";

export type FitOptions = {
  readonly nowMs: number;
  readonly maxWaitMs: number;
  /** Told of each model that is to be tried with less, and why. */
  readonly onShrunk: (known: KnownModel, why: string) => void;
};

/**
 * Looks after models that fit nowhere, even if no other were loaded. One that is larger than what ATOS may ever
 * take is tried with fewer slots and a shorter context; when that does not help, its turns fail. One that
 * only has no room because of other programs is waited for, at most `maxWaitMs`, and then treated likewise.
 */
export function fitOrFail(parts: PoolParts, { nowMs, maxWaitMs, onShrunk }: FitOptions): void {
  const { machine, models, works, residents } = parts;
  const now = machine.budgets.map(({ budgetBytes }) => budgetBytes);
  const isLate = ({ sinceMs }: TurnWork): boolean => nowMs - sinceMs > maxWaitMs;
  for (const [known, turns] of waitingByModel(works.turns, (name) => models.named(name))) {
    if (residents.has(known.name) || fits(models.choices(known), now)) continue;
    const isTooLarge = !fits(models.choices(known), machine.mostBytes);
    const late = turns.filter(isLate);
    if (!isTooLarge && late.length === 0) continue;
    const room = late.length > 0 ? now : machine.mostBytes;
    const why = noRoomText(parts, known, room);
    if (shrinkInto(parts, known, room)) onShrunk(known, why);
    else
      for (const turn of isTooLarge ? turns : late)
        turn.fail(missingError("pool/not-enough-memory", `${why}. ${SMALLER}`));
  }
}

/** Asks for less until it fits. A model that does not fit even so is left as it was asked for. */
function shrinkInto({ models }: PoolParts, known: KnownModel, room: readonly number[]): boolean {
  const { maxSlots, contextLimit } = known;
  const tried = () => ({ slots: known.maxSlots, contextTokens: models.contextTokens(known) });
  while (shrinkModel(known, tried())) if (fits(models.choices(known), room)) return true;
  Object.assign(known, { maxSlots, contextLimit });
  return false;
}

function waitingByModel(
  turns: Iterable<TurnWork>,
  named: (name: string) => KnownModel | undefined,
): ReadonlyMap<KnownModel, readonly TurnWork[]> {
  const found = new Map<KnownModel, TurnWork[]>();
  for (const turn of turns) {
    const known = turn.state === "ready" ? named(turn.model) : undefined;
    if (known !== undefined) found.set(known, [...(found.get(known) ?? []), turn]);
  }
  return found;
}

function fits(choices: readonly PlacementChoice[], room: readonly number[]): boolean {
  return choices.some((choice) => bytesWith(choice, 1).every((bytes, at) => bytes <= (room[at] ?? 0)));
}

function noRoomText({ machine: { parts }, models }: PoolParts, known: KnownModel, room: readonly number[]): string {
  const ways = models.choices(known).map((choice) => {
    const needs = bytesWith(choice, 1).flatMap((bytes, at) =>
      bytes > 0 ? [`${sizeText(bytes)} of ${parts[at]?.id ?? at}`] : [],
    );
    return needs.join(" and ");
  });
  const has = parts.map(({ id, totalBytes, reserveBytes, othersBytes, limitBytes = totalBytes }, at) => {
    if (limitBytes <= (room[at] ?? 0))
      return `${id}: the budget of ${sizeText(limitBytes)} that was set, which can be raised`;
    const others = othersBytes > 0 ? `, ${sizeText(othersBytes)} used by others` : "";
    return `${id}: ${sizeText(room[at] ?? 0)} for models, of ${sizeText(totalBytes)} with ${sizeText(reserveBytes)} reserve${others}`;
  });
  const tokens = models.contextTokens(known);
  return `the model ${known.name} needs ${ways.join(", or ")} for one slot and ${tokens} tokens of context, and there is not so much (${has.join("; ")})`;
}
