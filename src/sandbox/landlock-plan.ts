import type { SandboxLimits } from "./sandbox.ts";

/** What a path, and all below it, may be used for; the launcher knows the rights that each kind stands for. */
export type LandlockRule = { readonly kind: "read" | "run" | "device" | "own"; readonly path: string };

/** One call, its paths checked and resolved. */
export type LandlockPlan = {
  readonly root: string;
  /** Becomes HOME and TMPDIR. */
  readonly scratch: string;
  readonly rules: readonly LandlockRule[];
  /** Entries of the workspace that were not there before, and are removed if they are afterwards. */
  readonly remove: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  readonly filter: Buffer;
  /** Whom to become; undefined keeps the user. */
  readonly user: number | undefined;
  /** Whether that user must be able to enter folders that it may not. */
  readonly search: boolean;
  readonly command: readonly [string, ...string[]];
};

/**
 * The plan as landlock-launcher.py reads it: names and values in turn, each with its length before it in four bytes,
 * little endian; before all of it the length of the whole. Pure.
 */
export function encodeLandlockPlan(plan: LandlockPlan): Buffer {
  const { limits } = plan;
  const pairs: readonly (readonly [string, string | Buffer | number])[] = [
    ["root", plan.root],
    ["scratch", plan.scratch],
    ["filter", plan.filter],
    ["user", plan.user ?? -1],
    ["search", plan.search ? 1 : 0],
    ["processes", limits.processes],
    ["fileMib", limits.fileMib],
    ["cpuSeconds", limits.cpuSeconds],
    ...plan.rules.map(({ kind, path }) => ["rule", `${kind} ${path}`] as const),
    ...plan.remove.map((name) => ["remove", name] as const),
    ...Object.entries(plan.env).map(([name, value]) => ["env", `${name}=${value}`] as const),
    ...plan.command.map((word) => ["command", word] as const),
  ];
  const fields = pairs.flat().map((value) => field(typeof value === "number" ? String(value) : value));
  return field(Buffer.concat(fields));
}

function field(value: string | Buffer): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}
