import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { messageOf } from "../../base/errors.ts";
import type { NetworkRule } from "../sandbox.ts";
import { mayReach } from "./may-reach.ts";
import { type NetworkTarget, targetText } from "./network-target.ts";
import { isPublicAddress } from "./public-address.ts";

export type Reached =
  | { readonly kind: "connected"; readonly socket: Socket }
  /** The rules say no. */
  | { readonly kind: "refused"; readonly why: string }
  /** The network does. */
  | { readonly kind: "failed"; readonly why: string };

export type ReachDeps = {
  readonly allow: readonly NetworkRule[];
  /** All addresses of a name. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** For the name and the connection together. */
  readonly connectMs: number;
};

const MAX_ADDRESSES = 8;
const ATTEMPT_MS = 1000;

/**
 * Connects to `target` if a rule and every one of its addresses let it.
 *
 * The name is resolved once and the connection goes to an address that was looked at, so a name that changes its
 * address in between gains nothing.
 */
export async function reach(target: NetworkTarget, deps: ReachDeps, signal: AbortSignal): Promise<Reached> {
  const name = targetText(target);
  const rule = mayReach(deps.allow, target.host, target.port);
  if (rule === undefined) {
    return { kind: "refused", why: `${name} is not among the hosts that this command may reach` };
  }
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(deps.connectMs)]);
  try {
    const addresses = isIP(target.host) === 0 ? await within(deps.resolve(target.host), deadline) : [target.host];
    const closed = rule.private === true ? undefined : addresses.find((address) => !isPublicAddress(address));
    if (closed !== undefined) {
      return { kind: "refused", why: `${name} has the address ${closed}, which is not on the public internet` };
    }
    return { kind: "connected", socket: await connectTo(target, addresses.slice(0, MAX_ADDRESSES), deadline) };
  } catch (error) {
    return { kind: "failed", why: `${name} was not reached: ${messageOf(error)}` };
  }
}

async function connectTo(
  { host, port }: NetworkTarget,
  addresses: readonly string[],
  deadline: AbortSignal,
): Promise<Socket> {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  const socket = connect({
    host,
    port,
    lookup: (_host, _options, done) => done(found.length === 0 ? new Error("it has no address") : null, found),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    allowHalfOpen: true,
    noDelay: true,
  });
  // Whoever waits below is told of it too; a later one shows as the connection's end.
  socket.on("error", () => {});
  try {
    await once(socket, "connect", { signal: deadline });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function within<T>(work: Promise<T>, deadline: AbortSignal): Promise<T> {
  deadline.throwIfAborted();
  const expired = new Promise<never>((_, reject) => {
    deadline.addEventListener("abort", () => reject(deadline.reason), { once: true });
  });
  return Promise.race([work, expired]);
}
