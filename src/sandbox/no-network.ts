import { type AtosError, usageError } from "../base/errors.ts";
import type { SandboxLevel } from "./sandbox.ts";

/** A host was to be let through at a level that cannot hold a command to a list of hosts. */
export function noNetwork(level: SandboxLevel, why: string): AtosError {
  return usageError(
    "sandbox/no-network",
    `At level ${level} no host can be reached: ${why}. Run it without a network, or use bubblewrap.`,
  );
}
