import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

/** Whom a request is for: a host in the one form that `canonicalHost` gives it. */
export type NetworkTarget = { readonly host: string; readonly port: number };

/** Labels as resolvers take them, ASCII only; a name in another script comes as `xn--…`. */
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
/** C libraries read `2130706433`, `0x7f.1` and `0177.0.0.1` as addresses; no real name ends so. */
const ENDS_IN_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/;

/**
 * A host name or address in its one form, or undefined when it is neither. Pure.
 *
 * Lower case, without the trailing dot, an IPv6 address short and without brackets, a mapped one as IPv4. Every
 * other way to write an address is refused, because two readers could understand it differently.
 */
export function canonicalHost(text: string): string | undefined {
  const host = text.toLowerCase().replace(/\.$/, "");
  if (isIPv4(host)) return host === text ? host : undefined;
  const ipv6 = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  // The parser takes `::127.0.0.1`, which is another address, for the IPv4 one in it.
  if (isIPv6(ipv6) && !/%|^::\d+\./.test(ipv6)) return ipaddr.process(ipv6).toString();
  return NAME.test(host) && !ENDS_IN_NUMBER.test(host) ? host : undefined;
}

/**
 * Reads `host:port`, or a host alone when there is a `defaultPort`; undefined for anything else, such as one with a
 * user name. Pure.
 */
export function parseTarget(text: string, defaultPort?: number): NetworkTarget | undefined {
  const [, hostText = "", portText] = /^(\[[^\]]*\]|[^:[\]]*)(?::([1-9]\d{0,4}))?$/.exec(text) ?? [];
  const host = canonicalHost(hostText);
  const port = portText === undefined ? defaultPort : Number(portText);
  return host === undefined || port === undefined || port > 65_535 ? undefined : { host, port };
}

/** `host:port` as `parseTarget` reads it. */
export function targetText({ host, port }: NetworkTarget): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
