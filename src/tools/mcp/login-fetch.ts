import type { FetchLike } from "@modelcontextprotocol/client";
import { hostKind } from "./host-kind.ts";
import { limitedFetch } from "./limited-fetch.ts";
import { loginFailed } from "./login-error.ts";

const MAX_ANSWER_BYTES = 256 * 1024;
const ANSWER_TIMEOUT_MS = 15_000;

/**
 * `fetch` for what a log-in asks: small answers, in time, and only from addresses that the server may name. Sends
 * none of the headers that `mcp.json` has for the server.
 */
export function loginFetch(
  { name, url }: { readonly name: string; readonly url: URL },
  signal?: AbortSignal,
): FetchLike {
  const limited = limitedFetch(MAX_ANSWER_BYTES);
  return async (target, init) => {
    const why = refusedAddress(url, new URL(target));
    if (why !== undefined) throw loginFailed(name, why);
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    return limited(target, { ...init, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
  };
}

/**
 * Why an address that `server` or its authorization server named is not gone to; undefined when it may be. Plain HTTP
 * would show tokens to the network, and a server elsewhere has no business with this machine or its network. Pure.
 */
export function refusedAddress(server: URL, target: URL): string | undefined {
  const from = hostKind(server);
  const to = hostKind(target);
  const shown = `${target.protocol}//${target.host}`;
  if (target.protocol === "http:" && from === "loopback" && to === "loopback") return undefined;
  if (target.protocol !== "https:") return `it leads to ${shown}, which is not https`;
  if (to !== "public" && from === "public") return `it leads to ${shown}, which is not for a server elsewhere to name`;
  return undefined;
}
