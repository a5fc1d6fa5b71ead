import type { DeviceKind } from "../devices/device-reading.ts";
import { GIB } from "../devices/device-reading.ts";
import {
  type Facts,
  MAX_CRASHES,
  MAX_MODELS,
  MAX_RATIO,
  MAX_ROLES,
  MAX_WAYS,
  MIN_RATIO,
  type ModelFacts,
  type RoleFacts,
} from "./facts.ts";

/*
 * Each function gives the facts as they are after something was seen; `model` is a `modelKey`. Figures that are no
 * numbers, or negative, teach nothing. All pure.
 */

/** How much of a new value goes into a moving average: the last ten or so count. */
const WEIGHT = 0.2;
/** How fast a memory ratio falls: too much costs room, too little costs a crash. */
const FALL = 0.1;
/** Loads of larger files tell how fast others will be. */
const TELLING_BYTES = GIB / 2;
/** What running out of memory says of an estimate: it was too small by at least something. */
const SHORTAGE = 1.25;
/** It may have been others that took the memory, so that this says nothing of the size any more. */
const MOST_SHORTAGE = 1.5;

export type MemorySeen = {
  readonly model: string;
  readonly kind: DeviceKind;
  /** What the model takes there, slots included: `neededSystemBytes`, or what the GPU's driver tells. */
  readonly measuredBytes: number;
  /** For the same slots: `PlacementChoice.estimated`, not corrected. */
  readonly estimatedBytes: number;
};

/** Raises the model's ratio at once to what was measured, and lowers it slowly; always within its bounds. */
export function learnMemory(facts: Facts, seen: MemorySeen, nowMs: number): Facts {
  const measured = seen.measuredBytes / seen.estimatedBytes;
  if (!isAmount(measured) || measured === 0) return facts;
  return changeModel(facts, { model: seen.model, nowMs }, (model) => {
    const before = model.memoryRatio[seen.kind] ?? 1;
    const after = measured >= before ? measured : before + (measured - before) * FALL;
    return { ...model, memoryRatio: { ...model.memoryRatio, [seen.kind]: bounded(after) } };
  });
}

/** After a load that failed for want of memory on that kind of device: the model needs a quarter more than was thought. */
export function learnShortage(
  facts: Facts,
  { model, kind }: { readonly model: string; readonly kind: DeviceKind },
  nowMs: number,
): Facts {
  return changeModel(facts, { model, nowMs }, (known) => {
    const before = known.memoryRatio[kind] ?? 1;
    const after = bounded(Math.max(before, Math.min(MOST_SHORTAGE, before * SHORTAGE)));
    return { ...known, memoryRatio: { ...known.memoryRatio, [kind]: after } };
  });
}

/** After a load that succeeded; `bytes` are those of its weights' file. */
export function learnLoad(
  facts: Facts,
  seen: { readonly model: string; readonly loadMs: number; readonly bytes: number },
  nowMs: number,
): Facts {
  if (!isAmount(seen.loadMs)) return facts;
  // Of a small file most of the time is the start of its process, which says nothing of a large one.
  const perGib = seen.bytes >= TELLING_BYTES ? (seen.loadMs * GIB) / seen.bytes : Number.NaN;
  const all = { ...facts, ...defined("loadMsPerGib", average(facts.loadMsPerGib, perGib)) };
  return changeModel(all, { model: seen.model, nowMs }, (model) => ({
    ...model,
    ...defined("loadMs", average(model.loadMs, seen.loadMs)),
  }));
}

/** One finished reply. */
export type TurnSeen = {
  readonly model: string;
  /** `PlacementChoice.way` of the model as it is loaded. */
  readonly way: string;
  readonly role: string;
  readonly replyTokens: number;
  /** Tokens of the prompt that no cache held. */
  readonly promptTokens: number;
  /** From the first token of the reply to its last; absent when other turns ran beside it on the device. */
  readonly replyMs?: number | undefined;
  /** From the start to the first token of the reply; likewise. */
  readonly promptMs?: number | undefined;
};

/** Too short to tell a speed from. */
const FEW_TOKENS = 8;

export function learnTurn(facts: Facts, seen: TurnSeen, nowMs: number): Facts {
  const lengths = (role: RoleFacts): RoleFacts => ({
    ...role,
    ...defined("replyTokens", average(role.replyTokens, seen.replyTokens)),
    ...defined("promptTokens", average(role.promptTokens, seen.promptTokens)),
  });
  // A reply that was read at once, because this process was busy while it was made, tells no speed either.
  const replyMs = seen.replyMs === undefined || seen.replyMs <= 0 ? Number.NaN : seen.replyMs;
  const stepMs = seen.replyTokens > FEW_TOKENS ? replyMs / (seen.replyTokens - 1) : Number.NaN;
  const promptTokenMs = seen.promptTokens > FEW_TOKENS ? (seen.promptMs ?? Number.NaN) / seen.promptTokens : Number.NaN;
  return changeRoles(facts, { ...seen, nowMs }, lengths, (model) => {
    const before = model.speeds[seen.way] ?? {};
    const speed = {
      ...before,
      ...defined("stepMs", average(before.stepMs, stepMs)),
      ...defined("promptTokenMs", average(before.promptTokenMs, promptTokenMs)),
    };
    if (Object.keys(speed).length === 0) return model;
    return { ...model, speeds: latest(model.speeds, [seen.way, speed], MAX_WAYS) };
  });
}

/** After a task's last turn: how many it took in that role. */
export function learnTask(
  facts: Facts,
  seen: { readonly model: string; readonly role: string; readonly turns: number },
  nowMs: number,
): Facts {
  return changeRoles(facts, { ...seen, nowMs }, (role) => ({
    ...role,
    ...defined("turnsPerTask", average(role.turnsPerTask, seen.turns)),
  }));
}

export function learnCrash(facts: Facts, { model }: { readonly model: string }, nowMs: number): Facts {
  return changeModel(facts, { model, nowMs }, (known) => ({
    ...known,
    crashedAtMs: [...known.crashedAtMs, nowMs].slice(-MAX_CRASHES),
  }));
}

type Change<Value> = (value: Value) => Value;
type Target = { readonly model: string; readonly nowMs: number };

/** Beyond `MAX_MODELS` the one that was used longest ago is dropped. */
function changeModel(facts: Facts, { model, nowMs }: Target, change: Change<ModelFacts>): Facts {
  const known: ModelFacts = own(facts.models, model) ?? {
    usedAtMs: nowMs,
    memoryRatio: {},
    speeds: {},
    roles: {},
    crashedAtMs: [],
  };
  const changed = { ...change(known), usedAtMs: Math.max(known.usedAtMs, nowMs) };
  const all = Object.entries(facts.models).filter(([key]) => key !== model);
  const kept = all.toSorted((one, other) => other[1].usedAtMs - one[1].usedAtMs).slice(0, MAX_MODELS - 1);
  return { ...facts, models: Object.fromEntries([...kept, [model, changed]]) };
}

/** Changes a role of the model, and the same of all models together. */
// oxlint-disable-next-line max-params -- the last is for what a turn teaches besides
function changeRoles(
  facts: Facts,
  target: Target & { readonly role: string },
  change: Change<RoleFacts>,
  besides: Change<ModelFacts> = (model) => model,
): Facts {
  const roleIn = (roles: Facts["roles"]): Facts["roles"] =>
    latest(roles, [target.role, change(own(roles, target.role) ?? {})], MAX_ROLES);
  return changeModel({ ...facts, roles: roleIn(facts.roles) }, target, (model) =>
    besides({ ...model, roles: roleIn(model.roles) }),
  );
}

/** Puts an entry last and drops the first ones beyond `most`. */
function latest<Value>(
  all: Readonly<Record<string, Value>>,
  [key, value]: readonly [string, Value],
  most: number,
): Record<string, Value> {
  const others = Object.entries(all).filter(([name]) => name !== key);
  return Object.fromEntries([...others.slice(-(most - 1)), [key, value]]);
}

function own<Value>(all: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(all, key) ? all[key] : undefined;
}

function average(before: number | undefined, seen: number): number | undefined {
  if (!isAmount(seen)) return before;
  return before === undefined ? seen : before + (seen - before) * WEIGHT;
}

function defined<Key extends string>(key: Key, value: number | undefined): Partial<Record<Key, number>> {
  if (value === undefined) return {};
  const found: Partial<Record<Key, number>> = {};
  found[key] = value;
  return found;
}

function isAmount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

function bounded(value: number): number {
  return Math.min(MAX_RATIO, Math.max(MIN_RATIO, value));
}
