import { isIP } from "node:net";
import type { NetworkRule } from "../sandbox.ts";
import { hostPattern } from "./network-rule.ts";
import { canonicalHost } from "./network-target.ts";

/**
 * The rule that lets a command reach `host` at `port`, one for private addresses first, or undefined. Pure.
 *
 * Says nothing of the addresses that the host turns out to have.
 */
export function mayReach(allow: readonly NetworkRule[], host: string, port: number): NetworkRule | undefined {
  const asked = canonicalHost(host);
  if (asked === undefined) return undefined;
  const matching = allow.filter((rule) => rule.port === port && matches(hostPattern(rule.host), asked));
  return matching.find((rule) => rule.private === true) ?? matching[0];
}

function matches(pattern: string | undefined, host: string): boolean {
  if (pattern === undefined) return false;
  return pattern.startsWith("*.") ? isIP(host) === 0 && host.endsWith(pattern.slice(1)) : pattern === host;
}
