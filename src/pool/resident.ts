import type { EmbeddedModel } from "../engine/embedded/embedded-model.ts";
import type { KnownModel } from "./known-models.ts";
import type { PlacementChoice } from "./ledger/placements-of.ts";
import type { DeviceBytes } from "./plan/pool-state.ts";
import type { TurnWork } from "./pool-works.ts";

/** A model that is loaded, or about to be. Times are milliseconds since 1970. */
export type Resident = {
  readonly known: KnownModel;
  /** Where it is, with the memory that was booked for it. */
  choice: PlacementChoice;
  slots: number;
  /** More were refused since it was loaded: asking again at once would go round in circles, and hold its turns up. */
  mostSlots: number;
  contextTokens: number;
  state: "opening" | "ready";
  readyAtMs: number;
  usedAtMs: number;
  /** Absent until it is loaded. */
  model: EmbeddedModel | undefined;
  readonly why: string;
  readonly loadedAtMs: number;
  readonly running: Set<TurnWork>;
  /** Why it is to leave as soon as no turn runs. */
  leaving: string | undefined;
  measuredBytes: number | undefined;
};

/** What a placement takes with so many open slots, by device. Pure. */
export function bytesWith({ placement }: PlacementChoice, slots: number): DeviceBytes {
  return placement.loadedBytes.map((bytes, at) => bytes + slots * (placement.slotBytes[at] ?? 0));
}
