import { AtosError } from "../base/errors.ts";
import { type ChildReply, type ChildRequest, childRequest, failureOf } from "./child-protocol.ts";
import { type LlamaSession, openLlamaSession } from "./llama-session.ts";

/*
 * The process that holds one set of weights. Runs only as a fork of `LlamaProcess`; knows nothing but
 * what comes over the channel, and ends with it.
 */

/** Does the requests one after another: one context computes one reply at a time, and repeats itself only so. */
function serve(send: (reply: ChildReply) => void): (request: ChildRequest) => void {
  const aborts = new Map<number, AbortController>();
  let session: Promise<LlamaSession> | undefined;
  let queue = Promise.resolve();

  const loaded = (): Promise<LlamaSession> => {
    if (session === undefined) throw new AtosError("engine/not-loaded", "the process was asked before it had a model");
    return session;
  };
  const answer = async (request: ChildRequest, signal: AbortSignal): Promise<void> => {
    const { call } = request;
    switch (request.kind) {
      case "load":
        session = openLlamaSession(request.options);
        return send({ kind: "loaded", call, contextTokens: (await session).contextTokens });
      case "count":
        return send({ kind: "counted", call, tokens: (await loaded()).count(request.messages) });
      case "generate":
        for await (const part of (await loaded()).generate(request.request, signal)) send({ kind: "part", call, part });
        return;
      case "abort":
        return;
    }
  };
  const run = async (request: ChildRequest, signal: AbortSignal): Promise<void> => {
    try {
      if (!signal.aborted) await answer(request, signal);
    } catch (error) {
      send({ kind: "failed", call: request.call, failure: failureOf(error) });
    }
    aborts.delete(request.call);
  };

  return (request) => {
    if (request.kind === "abort") return aborts.get(request.call)?.abort();
    const controller = new AbortController();
    aborts.set(request.call, controller);
    queue = queue.then(() => run(request, controller.signal));
  };
}

// The parent is gone, however it went. Nothing here is worth an orderly end, and native code that is
// still computing could delay one.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

const handle = serve((reply) => {
  if (process.connected) process.send?.(reply);
});
process.on("message", (message) => handle(childRequest.parse(message)));
