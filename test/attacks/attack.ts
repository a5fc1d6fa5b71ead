import type { Db } from "../../src/store/database.ts";
import type { Sandbox, SandboxLevel } from "../../src/sandbox/sandbox.ts";

export const CATEGORIES = [
  "path traversal",
  "symlink and hard-link swaps",
  "absolute and unicode paths",
  "/proc",
  "device files",
  "environment and secrets",
  "fork, memory, disk, output and descriptor bombs",
  "escaping the kill",
  "sockets",
  "ptrace and signals",
  "setuid and privilege",
  "git hooks and config",
  "argument and command injection",
  "package install scripts",
  "download redirects and rebinding",
  "prompt injection",
  "MCP server misbehaviour",
  "approval reuse",
] as const;
export type Category = (typeof CATEGORIES)[number];

/** The part of ATOS that an attack is made on. `sandbox`: made at every level that this machine has. */
export type Wall =
  | "sandbox"
  | "files"
  | "git"
  | "workspace"
  | "gate"
  | "approvals"
  | "agent"
  | "packages"
  | "web"
  | "network"
  | "mcp";

export type Verdict = { readonly kind: "held" | "broke"; readonly evidence: string };

/** What an attack is made with. */
export type Ground = {
  /** Of the level that the attack is made at; for other walls the best that there is. */
  readonly sandbox: Sandbox;
  /** A real one, shared by all attacks that need it, and its address. */
  readonly database: () => Promise<{ readonly db: Db; readonly url: string }>;
  readonly signal: AbortSignal;
};

/**
 * One way to do harm, tried for real.
 *
 * An attack that holds proves something only if it could have succeeded: its `control` makes the same attack where
 * the wall is not there, and must break through. Where that would harm the machine or cannot be done, `control` says
 * why there is none.
 */
export type Attack = {
  readonly category: Category;
  readonly name: string;
  readonly wall: Wall;
  run(ground: Ground): Promise<Verdict>;
  readonly control: ((ground: Ground) => Promise<Verdict>) | { readonly none: string };
  /** Without the wall it needs rights that a machine may not give: to root only, or not in a container. */
  readonly needsRights?: boolean;
  /** Where it is not promised to hold, with the reason that docs/security.md gives. */
  readonly notPromised?: NotPromised;
};

/** `everywhere`: of an attack on another wall than the sandbox. */
export type NotPromised = Partial<Record<SandboxLevel | "everywhere", string>>;

export const held = (evidence = "nothing came of it"): Verdict => ({ kind: "held", evidence });
export const broke = (evidence: string): Verdict => ({ kind: "broke", evidence });

/** Broke if there is any damage to tell of. */
export function verdictOf(damage: readonly string[]): Verdict {
  return damage.length === 0 ? held() : broke(damage.join("; "));
}
