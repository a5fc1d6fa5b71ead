import { computeScopeUnion } from "@modelcontextprotocol/client";

export type ScopeSources = {
  /** Of `mcp.json`. */
  readonly configured: string | undefined;
  /** Of the server's challenge, what was granted before included. */
  readonly wanted: string | undefined;
  /** What the server's metadata lists. */
  readonly supported: readonly string[] | undefined;
  /** What the authorization server's metadata lists. */
  readonly offered: readonly string[] | undefined;
};

/** Which scope a log-in asks for; undefined leaves it to the authorization server. Pure. */
export function askedScope({ configured, wanted, supported, offered }: ScopeSources): string | undefined {
  const scope = computeScopeUnion(configured, wanted) ?? computeScopeUnion(supported?.join(" "));
  // Without it some servers give no refresh token, and a person had to log in again every hour.
  if (scope !== undefined && offered?.includes("offline_access")) return computeScopeUnion(scope, "offline_access");
  return scope;
}
