import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** All addresses that the public internet hands out over IPv6; what lies outside is special, known to us or not. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
/** A translator turns these into the IPv4 address in their last 32 bits. */
const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");

/**
 * Whether `address` is one machine on the public internet. Pure.
 *
 * False for private, loopback, link-local, unique-local, carrier's, multicast and reserved addresses, for an IPv6
 * address that stands for one of them (mapped, NAT64), for every one that carries an IPv4 address in another way
 * (6to4, Teredo, compatible), for one with a zone, and for anything that is no address in its usual form.
 */
export function isPublicAddress(address: string): boolean {
  // The parser takes `::8.8.8.8`, which is IPv6, for the IPv4 address in it.
  if (isIP(address) === 0 || /%|^::\d+\./.test(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.kind() === "ipv4") return parsed.range() === "unicast";
  const ipv6 = ipaddr.IPv6.parse(address);
  if (ipv6.isIPv4MappedAddress()) return ipv6.toIPv4Address().range() === "unicast";
  if (ipv6.match(NAT64)) return new ipaddr.IPv4(ipv6.toByteArray().slice(12)).range() === "unicast";
  return ipv6.match(GLOBAL_UNICAST) && ipv6.range() === "unicast";
}
