import type { DeviceReading } from "../pool/devices/device-reading.ts";
import { reserveBytes } from "../pool/ledger/device-budgets.ts";
import { bytesText } from "./bytes-text.ts";
import { gib } from "./gib.ts";
import { MIN_PROCESSORS } from "./machine-findings.ts";
import type { NeededSet, RosterNeeds } from "./roster-needs.ts";

export type ProposalInput = {
  /** Those that the embedded engine can use. */
  readonly devices: readonly DeviceReading[];
  readonly rosters: readonly RosterNeeds[];
  readonly processors: number;
  /** The budget that somebody set. */
  readonly budgetBytes: number | undefined;
};

export type Proposal = {
  readonly roster: string;
  /** What its models may take together on this machine. */
  readonly budgetBytes: number;
  /** What it loads at the same time; several sets take turns. */
  readonly needs: readonly { readonly models: readonly string[]; readonly bytes: number }[];
  /** Models that are not here yet, as `atos models pull` takes them. */
  readonly missing: readonly string[];
  /** The arithmetic, and what to do, line by line. */
  readonly lines: readonly string[];
};

/** A memory as a whole: that of all GPUs, or the system's. */
type Room = { readonly usable: number; readonly text: string };

/**
 * Proposes the largest of ATOS's rosters that this machine holds, by what there is and not by what is free just now:
 * of the GPUs together, else in system memory, else the built-in model. A Mac's memory is one, and counts once. Pure.
 */
export function proposeRoster(input: ProposalInput): Proposal {
  const { devices, rosters, processors, budgetBytes } = input;
  const gpus = devices.filter(({ kind }) => kind !== "system");
  const system = devices.filter(({ kind, unified }) => kind === "system" || unified === true);
  // The budget is one of the main memory, which a Mac's is for processor and GPU.
  const isMain = system.every(({ unified }) => unified === true) || gpus.length === 0;
  const gpuRoom = roomOf("GPU", gpus.map(forGpu), budgetBytes);
  const systemRoom = roomOf("system", system.map(forProcessor), isMain ? budgetBytes : undefined);
  const tried = [
    ...(gpuRoom === undefined
      ? []
      : [
          choose(
            gpuRoom,
            rosters.filter(({ withoutGpu }) => !withoutGpu),
          ),
        ]),
    ...(systemRoom === undefined
      ? []
      : [
          choose(
            systemRoom,
            rosters.filter(({ withoutGpu }) => withoutGpu),
          ),
        ]),
  ];
  const lines: string[] = [];
  for (const { room, chosen, line } of tried) {
    lines.push(room.text, line);
    if (chosen?.withoutGpu === true && processors < MIN_PROCESSORS)
      lines.push(`it will be slow with ${processors} processors; ${MIN_PROCESSORS} are the least for it`);
    if (chosen !== undefined) return propose(chosen, { room, lines, rosters });
  }
  lines.push(
    "nano, built in, needs next to nothing: a closed domain of small functions; other goals need a server's model",
  );
  return {
    roster: "nano",
    budgetBytes: Math.max(0, ...tried.map(({ room }) => room.usable)),
    needs: [],
    missing: [],
    lines,
  };
}

type Part = { readonly totalBytes: number; readonly reserve: number; readonly usable: number };

function forGpu(device: DeviceReading): Part {
  const part = forProcessor(device);
  return { ...part, usable: Math.min(part.usable, device.limitBytes ?? part.usable) };
}

function forProcessor(device: DeviceReading): Part {
  const reserve = reserveBytes(device, {});
  return { totalBytes: device.totalBytes, reserve, usable: Math.max(0, device.totalBytes - reserve) };
}

function roomOf(label: string, parts: readonly Part[], budgetBytes: number | undefined): Room | undefined {
  if (parts.length === 0) return undefined;
  const sum = (key: keyof Part): number => parts.reduce((all, part) => all + part[key], 0);
  const [total, reserve, usable] = [sum("totalBytes"), sum("reserve"), sum("usable")] as const;
  const cap = usable < total - reserve ? `, of which its GPU may have ${gib(usable)}` : "";
  const several = parts.length > 1 ? ` of ${parts.length} GPUs` : "";
  const text = `${label} memory ${gib(total)} GiB${several} − reserve ${gib(reserve)} = ${gib(total - reserve)}${cap}`;
  if (budgetBytes === undefined || budgetBytes >= usable) return { usable, text };
  return { usable: budgetBytes, text: `${text}; the budget set is ${gib(budgetBytes)}` };
}

type Choice = { readonly room: Room; readonly chosen: RosterNeeds | undefined; readonly line: string };

/** The largest roster that fits, and the next larger one for comparison. */
function choose(room: Room, rosters: readonly RosterNeeds[]): Choice {
  const smallestFirst = rosters.toSorted((a, b) => a.budgetGib - b.budgetGib || (a.name < b.name ? -1 : 1));
  const fitting = smallestFirst.filter((roster) => mostBytes(roster) <= room.usable);
  const most = fitting.at(-1)?.budgetGib;
  // Of one size the first, which is the better one where licences play no part.
  const chosen = fitting.find(({ budgetGib }) => budgetGib === most);
  const larger = smallestFirst.find((roster) => !fitting.includes(roster) && roster.budgetGib > (most ?? 0));
  const line = [
    ...(chosen === undefined ? [] : [`${chosen.name} needs ${setsText(chosen.sets)}: fits`]),
    ...(larger === undefined ? [] : [`${larger.name} needs ${setsText(larger.sets)}: does not`]),
  ].join("; ");
  return { room, chosen, line };
}

type Chosen = { readonly room: Room; readonly lines: readonly string[]; readonly rosters: readonly RosterNeeds[] };

function propose(roster: RosterNeeds, { room, lines, rosters }: Chosen): Proposal {
  const { name, sets, files, budgetGib, commercial } = roster;
  const missing = files.filter(({ isHere }) => !isHere);
  const free = rosters.find(
    (other) => other.budgetGib === budgetGib && other.commercial && mostBytes(other) <= room.usable,
  );
  return {
    roster: name,
    budgetBytes: room.usable,
    needs: sets.map(({ models, bytes }) => ({ models: models.map(({ id }) => id), bytes })),
    missing: missing.map(({ pullName }) => pullName),
    lines: [
      ...lines,
      ...(commercial
        ? []
        : [`a licence in ${name} forbids commercial use${free === undefined ? "" : `; ${free.name} has none such`}`]),
      ...(missing.length === 0 ? [] : ["not on this machine yet:"]),
      ...missing.map(({ pullName, bytes }) => `  atos models pull ${pullName}  (${bytesText(bytes)})`),
      `use it: atos build "…" --out DIR --roster ${name}`,
    ],
  };
}

/** Sets take turns: the largest one has to fit. */
function mostBytes({ sets }: RosterNeeds): number {
  return Math.max(0, ...sets.map(({ bytes }) => bytes));
}

function setsText(sets: readonly NeededSet[]): string {
  return sets
    .map(({ models, bytes }) => {
      const parts = models.map((model) => `${model.id} ${gib(model.bytes)}`).join(" + ");
      return models.length === 1 ? parts : `${parts} = ${gib(bytes)}`;
    })
    .join(" or, in turn, ");
}
