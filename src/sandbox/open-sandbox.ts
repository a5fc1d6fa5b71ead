import { AtosError, missingError } from "../base/errors.ts";
import { openBubblewrap } from "./bubblewrap.ts";
import { openDocker } from "./docker.ts";
import { findProgram } from "./find-program.ts";
import { openLandlock } from "./landlock.ts";
import type { ConfinedLevel, Sandbox } from "./sandbox.ts";
import { openSeatbelt } from "./seatbelt.ts";
import { openUnconfined } from "./unconfined.ts";

/** What `docker` runs when no image is named: it has Node and Python. */
export const DEFAULT_IMAGE = "node:24-bookworm";

export type SandboxChoice = {
  /** This one or none; undefined: the first of the ladder that works. */
  readonly level?: ConfinedLevel | undefined;
  /** For `docker`. Default: `node:24-bookworm`. */
  readonly image?: string | undefined;
};

/** What became of trying one level. */
export type LevelFinding = { readonly level: ConfinedLevel } & (
  | { readonly sandbox: Sandbox }
  | { readonly why: string }
);

/** The strongest first. Docker only if asked for: it is a service of the machine's, and an image somebody chose. */
const LADDER: Readonly<Partial<Record<NodeJS.Platform, readonly ConfinedLevel[]>>> = {
  linux: ["bubblewrap", "landlock"],
  darwin: ["seatbelt"],
};
const UNSAFE = "--unsafe runs code without a sandbox.";

/**
 * Opens the best sandbox that this machine has, or the one that was named; with `unsafe`, none at all.
 *
 * Each is tried once, so that what opens also runs. Never goes without by itself.
 *
 * @throws `sandbox/none` when none works: what is missing for each, and how to get it.
 */
export async function openSandbox(options: SandboxChoice & { readonly unsafe: boolean }): Promise<Sandbox> {
  if (options.unsafe) return openUnconfined();
  const { level } = options;
  const levels = level === undefined ? (LADDER[process.platform] ?? []) : [level];
  const failed: string[] = [];
  for (const one of levels) {
    const found = await tryLevel(one, options.image);
    if ("sandbox" in found) return found.sandbox;
    failed.push(`${one}: ${found.why}`);
  }
  const asked = level === undefined ? "" : ` The settings ask for ${level} and no other.`;
  throw missingError(
    "sandbox/none",
    `This machine has no sandbox to run code in.${asked} ${failed.join(" ")} ${UNSAFE}`.replaceAll("  ", " "),
  );
}

/** Tries every level that this machine could have, and the one that was named. */
export async function examineLevels({ level, image }: SandboxChoice): Promise<readonly LevelFinding[]> {
  const levels = new Set([...(LADDER[process.platform] ?? []), ...(level === undefined ? [] : [level])]);
  return Promise.all([...levels].map((one) => tryLevel(one, image)));
}

async function tryLevel(level: ConfinedLevel, image: string = DEFAULT_IMAGE): Promise<LevelFinding> {
  try {
    return { level, sandbox: await openLevel(level, image) };
  } catch (error) {
    if (!(error instanceof AtosError)) throw error;
    return { level, why: error.message };
  }
}

async function openLevel(level: ConfinedLevel, image: string): Promise<Sandbox> {
  if (level === "landlock") return openLandlock(process.execPath);
  if (level === "seatbelt") return openSeatbelt(process.execPath);
  const name = level === "docker" ? "docker" : "bwrap";
  const program = findProgram(name, process.env["PATH"]);
  if (level === "docker") {
    if (program !== undefined) return openDocker(program, image);
    throw missingError("sandbox/none", "docker was not found; install Docker, or take another level.");
  }
  if (program !== undefined) return openBubblewrap(program, process.execPath);
  throw missingError(
    "sandbox/none",
    "bubblewrap (bwrap) was not found; install it with apt-get install bubblewrap (dnf, pacman and apk know it by the same name).",
  );
}
