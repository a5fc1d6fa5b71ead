import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

type Applied = { readonly path: string; count: number };

/**
 * A webhook receiver that counts, by idempotency key, what it did. `/dedupe` does a key once however often it is
 * sent; `/plain` does whatever it is sent and can be asked at `/applied?key=`.
 */
export class CountingServer implements AsyncDisposable {
  readonly #server: Server;
  /** Counts of each run, apart. */
  readonly applied = new Map<string, Applied>();
  /** Called after a call was done and before it is answered. */
  onApplied: () => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<CountingServer> {
    const server = createServer();
    const counting = new CountingServer(server);
    server.on("request", (request, response) => void counting.#serve(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return counting;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the counting server has no port");
    return `http://127.0.0.1:${address.port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for await (const _ of request);
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    if (pathname.endsWith("/applied")) {
      const there = this.applied.has(searchParams.get("key") ?? "");
      response.writeHead(there ? 200 : 404).end(there ? "done" : "unknown");
      return;
    }
    const key = String(request.headers["idempotency-key"]);
    const known = this.applied.get(key);
    if (known === undefined) this.applied.set(key, { path: pathname, count: 1 });
    else if (!pathname.endsWith("/dedupe")) known.count++;
    this.onApplied();
    response.writeHead(200, { "content-type": "text/plain" }).end("done");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close").catch(() => {});
  }
}
