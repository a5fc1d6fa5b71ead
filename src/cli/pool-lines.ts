import type { PoolStatus } from "../pool/pool-status.ts";
import { bytesText } from "./bytes-text.ts";
import { gib } from "./gib.ts";
import { lengthText } from "./swap-timeline.ts";
import { wrapText } from "./wrap-text.ts";

/** A device as both a worker's pool and a machine without one tell it. */
export type DeviceLine = Pick<
  PoolStatus["devices"][number],
  "id" | "name" | "totalBytes" | "reserveBytes" | "othersBytes" | "budgetBytes" | "bookedBytes"
>;

/** What is loaded: by each worker that told something, or, where none did, what could be. */
export type PoolView = {
  readonly workers: readonly { readonly worker: string; readonly status: PoolStatus }[];
  readonly devices: readonly DeviceLine[];
  readonly notes: readonly string[];
};

type Page = { readonly width: number; readonly nowMs: number };
type Resident = PoolStatus["residents"][number];

const MIN_WIDTH = 60;
const MAX_WIDTH = 120;
const INDENT = "  ";
const MAX_LABEL = 24;
const COLUMN = 8;
const MIN_BAR = 6;

/** What `atos models ps` shows, in lines of at most `width` columns (60 at least). Pure. */
export function poolLines(view: PoolView, { width, nowMs }: Page): readonly string[] {
  const page = { width: Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)), nowMs };
  if (view.workers.length === 0) {
    const nothing = "Nothing is loaded. atos build loads what it needs.";
    return [nothing, "", ...deviceTable(view.devices, page), ...noteLines(view.notes, page)];
  }
  return view.workers.flatMap(({ worker, status }, index) => [
    ...(index > 0 ? [""] : []),
    ...(view.workers.length > 1 ? [`Worker ${worker}`] : []),
    ...statusLines(status, page),
  ]);
}

function statusLines(status: PoolStatus, page: Page): readonly string[] {
  const { residents, queue, next, servers, quarantined, devices, notes } = status;
  const loaded =
    residents.length === 0 ? ["Nothing is loaded."] : residents.flatMap((each) => residentLines(each, page));
  return [
    ...loaded,
    ...section("Waiting", queue, ({ model, sinceMs, why, ...turn }) =>
      item(`${turnText(turn)} for ${model}, since ${since(sinceMs, page)}: ${why}`, page),
    ),
    ...(next === undefined ? [] : item(`Next: ${nextText(next)}`, page, "")),
    ...section("On servers", servers, ({ model, address, busy, limit, waiting }) =>
      item(
        `${model} at ${address}: ${busy} of ${limit} turns at once${waiting === 0 ? "" : `, ${waiting} waiting`}`,
        page,
      ),
    ),
    ...section("Not loaded for a while", quarantined, ({ model, untilMs, why }) =>
      item(`${model}, for ${lengthText(Math.max(0, untilMs - page.nowMs))} more: ${why}`, page),
    ),
    "",
    ...deviceTable(devices, page),
    ...noteLines(notes, page),
  ];
}

function residentLines(resident: Resident, page: Page): readonly string[] {
  const { model, state, devices, slots, contextTokens, memory, measuredBytes, turns, why, loadedAtMs } = resident;
  const { weights, caches, adapters, compute } = memory;
  const total = weights + caches + adapters + compute;
  const parts = Object.entries({ weights, caches, adapters, compute })
    .filter(([part, bytes]) => part !== "adapters" || bytes > 0)
    .map(([part, bytes]) => `${part} ${bytesText(bytes)}`);
  const measured = measuredBytes === undefined ? "" : `; measured ${bytesText(measuredBytes)}`;
  const room = slots === 1 ? "1 slot" : `${slots} slots`;
  const at = { opening: "being loaded", ready: `${turns.length} of ${room} at work`, closing: "being unloaded" }[state];
  return [
    ...item(`${model}: ${at}, ${contextTokens} tokens each, on ${devices.join(" + ")}`, page, ""),
    ...item(`${bytesText(total)}: ${parts.join(", ")}${measured}`, page),
    ...turns.flatMap((turn) => item(`works for ${turnText(turn)}`, page)),
    ...item(`${state === "opening" ? "since" : "loaded"} ${since(loadedAtMs, page)} ago: ${why}`, page),
  ];
}

function turnText({
  build,
  task,
  role,
}: {
  readonly build: string;
  readonly task: string;
  readonly role: string;
}): string {
  return `${build} ${task} (${role})`;
}

function nextText({ model, evict, why }: NonNullable<PoolStatus["next"]>): string {
  return `${model}${evict.length === 0 ? "" : `, in place of ${evict.join(", ")}`}: ${why}`;
}

function since(sinceMs: number, { nowMs }: Page): string {
  return lengthText(Math.max(0, nowMs - sinceMs));
}

function section<T>(title: string, entries: readonly T[], lines: (entry: T) => readonly string[]): readonly string[] {
  return entries.length === 0 ? [] : [`${title}:`, ...entries.flatMap(lines)];
}

function item(text: string, { width }: Page, indent: string = INDENT): readonly string[] {
  return wrapText(text, { width, indent, hanging: `${indent}${INDENT}` });
}

function noteLines(notes: readonly string[], page: Page): readonly string[] {
  return notes.flatMap((note) => item(`note: ${note}`, page, ""));
}

/** Total, reserve, what others use, the budget that is left, what of it is booked; and that share as a bar. */
function deviceTable(devices: readonly DeviceLine[], { width }: Page): readonly string[] {
  if (devices.length === 0) return ["The memories of this machine could not be read."];
  const labels = devices.map(({ id, name }) => (id === "system" ? name : `${id} ${name}`));
  const numbers = 5 * COLUMN;
  const longest = Math.max("memory, in GiB".length, ...labels.map(({ length }) => length));
  const labelWidth = Math.min(MAX_LABEL, longest, width - numbers);
  const barWidth = width - labelWidth - numbers - 2;
  const row = (label: string, cells: readonly string[]): string =>
    `${fit(label, labelWidth)}${cells.map((cell) => cell.padStart(COLUMN)).join("")}`;
  return [
    row("memory, in GiB", ["total", "reserve", "others", "budget", "booked"]),
    ...devices.map((device, index) => {
      const { totalBytes, reserveBytes, othersBytes, budgetBytes, bookedBytes } = device;
      const cells = [totalBytes, reserveBytes, othersBytes, budgetBytes, bookedBytes].map(gib);
      const bar = barWidth < MIN_BAR ? "" : `  ${barText(bookedBytes, budgetBytes, Math.min(24, barWidth))}`;
      return `${row(labels[index] ?? "", cells)}${bar}`;
    }),
  ];
}

function barText(part: number, whole: number, width: number): string {
  const share = whole <= 0 ? (part > 0 ? 1 : 0) : Math.min(1, part / whole);
  const full = Math.round(share * width);
  return `${"█".repeat(full)}${"░".repeat(width - full)}`;
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
