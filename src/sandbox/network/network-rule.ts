import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { usageError } from "../../base/errors.ts";
import type { NetworkRule } from "../sandbox.ts";
import { canonicalHost, parseTarget } from "./network-target.ts";
import { isPublicAddress } from "./public-address.ts";

const HTTPS_PORT = 443;

/** A rule's host in the form that requests are compared with, `*.` before it where it has one; undefined when it is no host. Pure. */
export function hostPattern(text: string): string | undefined {
  const [, star = "", name = ""] = /^(\*\.)?(.*)$/s.exec(text) ?? [];
  // A person may write a name in its own script; a request never does.
  const host = canonicalHost(/\P{ASCII}/u.test(name) ? domainToASCII(name) : name);
  return host === undefined || (star !== "" && isIP(host) !== 0) ? undefined : `${star}${host}`;
}

/**
 * The rule that a person wrote as `HOST` or `HOST:PORT`; without a port, that of HTTPS. Pure.
 *
 * One who writes `localhost` or a private address means just that; any other name must turn out to have public ones.
 *
 * @throws `sandbox/network-rule` when it is none.
 */
export function parseNetworkRule(text: string): NetworkRule {
  const star = text.startsWith("*.") ? "*." : "";
  const [, name = "", rest = ""] = /^([^:[\]]*)(.*)$/s.exec(text.slice(star.length)) ?? [];
  const target = parseTarget(`${hostPattern(name) ?? name}${rest}`, HTTPS_PORT);
  const host = target === undefined ? undefined : hostPattern(`${star}${target.host}`);
  if (target === undefined || host === undefined) throw badRule(text);
  const own = isIP(host) === 0 ? host === "localhost" : !isPublicAddress(host);
  return { host, port: target.port, ...(own ? { private: true } : {}) };
}

/**
 * The rules, each of which can match something. Pure.
 *
 * @throws `sandbox/network-rule` naming one that can't: it would look like a permission and be none.
 */
export function checkedRules(rules: readonly NetworkRule[]): readonly NetworkRule[] {
  for (const { host, port } of rules) {
    const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
    if (hostPattern(host) === undefined || !isPort) throw badRule(`${host}:${port}`);
  }
  return rules;
}

function badRule(text: string): Error {
  return usageError(
    "sandbox/network-rule",
    `${JSON.stringify(text)} is no host that can be allowed: write HOST or HOST:PORT, such as registry.npmjs.org:443, *.example.org or 127.0.0.1:8080.`,
  );
}
