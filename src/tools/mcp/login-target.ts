import type { ExternalServer, ServerReach } from "./read-mcp-entry.ts";

/** A server that can be logged in to. */
export type LoginTarget = {
  readonly name: string;
  readonly reach: Extract<ServerReach, { readonly kind: "http" }>;
};

/** The server as one to log in to; undefined for a program, and where the person put a key of their own. Pure. */
export function loginTarget({ name, reach }: ExternalServer): LoginTarget | undefined {
  if (reach.kind !== "http") return undefined;
  if (Object.keys(reach.headers).some((header) => header.toLowerCase() === "authorization")) return undefined;
  return { name, reach };
}
