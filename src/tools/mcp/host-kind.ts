import ipaddr from "ipaddr.js";

const PRIVATE = new Set(["private", "uniqueLocal", "linkLocal"]);

/** Where an address leads, going by how it is written: this machine, its own network, or anywhere. Pure; asks no name server. */
export function hostKind({ hostname }: URL): "loopback" | "private" | "public" {
  const host = hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (host === "localhost" || host.endsWith(".localhost")) return "loopback";
  if (!ipaddr.isValid(host)) return "public";
  const range = ipaddr.process(host).range();
  if (range === "loopback") return "loopback";
  return PRIVATE.has(range) ? "private" : "public";
}
