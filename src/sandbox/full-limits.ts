import { usageError } from "../base/errors.ts";
import type { SandboxLimits } from "./sandbox.ts";

/** What a call gets when it asks for nothing else. */
const DEFAULT_LIMITS: SandboxLimits = {
  wallMs: 60_000,
  cpuSeconds: 60,
  memoryMib: 1024,
  processes: 128,
  fileMib: 64,
  diskMib: 256,
  outputBytes: 1024 * 1024,
};

/**
 * The limits of one call: those asked for over the defaults. Pure.
 *
 * @throws `sandbox/limits` when one is not a positive whole number.
 */
export function fullLimits(asked: Partial<SandboxLimits> = {}): SandboxLimits {
  const limits = { ...DEFAULT_LIMITS, ...asked };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw usageError("sandbox/limits", `The sandbox limit ${name} is ${value}; it must be a positive whole number.`);
    }
  }
  return limits;
}
