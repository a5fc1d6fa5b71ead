import { AtosError } from "../../base/errors.ts";
import { type ChildReply, type ChildRequest, childRequest, failureOf } from "./child-protocol.ts";
import { joinText } from "./join-text.ts";
import { ContextLost } from "./llama-context.ts";
import { type LlamaEmbedder, openLlamaEmbedder } from "./llama-embedder.ts";
import { type LlamaSession, openLlamaSession } from "./llama-session.ts";

/*
 * The process that holds one set of weights. Runs only as a fork of `LlamaProcess`; knows nothing but
 * what comes over the channel, and ends with it.
 */

/** What is loaded, if anything yet. */
class Loaded {
  session: Promise<LlamaSession> | undefined;
  embedder: Promise<LlamaEmbedder> | undefined;

  async useSession(): Promise<LlamaSession> {
    if (this.session === undefined) throw notLoaded();
    return this.session;
  }

  async useEmbedder(): Promise<LlamaEmbedder> {
    if (this.embedder === undefined) throw notLoaded();
    return this.embedder;
  }
}

function notLoaded(): AtosError {
  return new AtosError("engine/not-loaded", "the process was asked before it had a model");
}

type Send = (reply: ChildReply) => void;

/** Answers one request. A request that waits for a slot does so in the order in which it came. */
// oxlint-disable-next-line max-lines-per-function -- one case for each kind of request
async function answer(loaded: Loaded, request: ChildRequest, { send, signal }: { send: Send; signal: AbortSignal }) {
  const { call } = request;
  switch (request.kind) {
    case "load": {
      loaded.session = openLlamaSession(request);
      const { size, options } = await loaded.session;
      return send({ kind: "loaded", call, size, options });
    }
    case "load-embedder":
      loaded.embedder = openLlamaEmbedder(request);
      return send({ kind: "embedder-loaded", call, ...(await loaded.embedder).size });
    case "render": {
      const { text, tokens } = (await loaded.useSession()).render(request.prompt);
      return send({ kind: "rendered", call, text, tokens: tokens.length });
    }
    case "count-text":
      return send({ kind: "counted", call, tokens: (await loaded.useSession()).countText(request.text) });
    case "generate": {
      const onProgress = (promptTokens: number): void => send({ kind: "progress", call, promptTokens });
      for await (const part of joinText((await loaded.useSession()).generate(request.request, { signal, onProgress })))
        send({ kind: "part", call, part });
      return undefined;
    }
    case "save-caches": {
      const caches = await (await loaded.useSession()).saveCaches(request.directory, signal);
      return send({ kind: "caches-saved", call, caches });
    }
    case "restore-cache":
      await (await loaded.useSession()).restoreCache(request.saved, signal);
      return send({ kind: "cache-restored", call });
    case "resize": {
      const session = await loaded.useSession();
      await session.resize(request.size, signal);
      return send({ kind: "resized", call, size: session.size });
    }
    case "embed": {
      const vectors = await (await loaded.useEmbedder()).embed(request.texts, signal);
      return send({ kind: "embedded", call, vectors });
    }
    case "abort":
      return undefined;
  }
}

function serve(send: Send): (request: ChildRequest) => Promise<void> {
  const aborts = new Map<number, AbortController>();
  const loaded = new Loaded();
  return async (request) => {
    const { call } = request;
    if (request.kind === "abort") return aborts.get(call)?.abort();
    const controller = new AbortController();
    aborts.set(call, controller);
    try {
      await answer(loaded, request, { send, signal: controller.signal });
    } catch (error) {
      if (error instanceof ContextLost) endWith(error.message);
      send({ kind: "failed", call, failure: failureOf(error) });
    }
    aborts.delete(call);
  };
}

/** Nothing here is worth an orderly end, and native code that is still computing could delay one. */
function end(): void {
  process.kill(process.pid, "SIGKILL");
}

function endWith(lastWords: string): void {
  process.stderr.write(`${lastWords}\n`);
  end();
}

// The parent is gone, however it went.
process.on("disconnect", end);

const handle = serve((reply) => {
  if (process.connected) process.send?.(reply);
});
process.on("message", (message) => void handle(childRequest.parse(message)));
