import { randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { orAborted } from "../../base/or-aborted.ts";

/** Waits on this machine for the browser to come back from a log-in. */
export type RedirectListener = AsyncDisposable & {
  readonly redirectUrl: string;
  /** What the browser must bring back; nobody else knows it. */
  readonly state: string;
  /** What it brought back, once. */
  answer(signal: AbortSignal): Promise<URLSearchParams>;
};

const PATH = "/callback";
const DONE = "ATOS has the answer. Close this page and look at the terminal.\n";
const HEADERS = {
  "Content-Type": "text/plain; charset=utf-8",
  "Content-Security-Policy": "default-src 'none'",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
  Connection: "close",
};

/** Listens on this machine alone, on `port`, 0 for any that is free. */
export async function listenForRedirect(port: number): Promise<RedirectListener> {
  const state = randomBytes(32).toString("base64url");
  const { promise, resolve } = Promise.withResolvers<URLSearchParams>();
  let isOver = false;
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? "/", "http://127.0.0.1");
    if (request.method !== "GET" || url?.pathname !== PATH)
      return say(response, { status: 404, text: "Nothing here.\n" });
    const states = url.searchParams.getAll("state");
    // Anything can call here, so what does not know the state changes nothing.
    if (isOver || states.length !== 1 || states[0] !== state)
      return say(response, { status: 400, text: "This is not the log-in that ATOS waits for.\n" });
    isOver = true;
    say(response, { status: 200, text: DONE }, () => resolve(url.searchParams));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", listening);
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    redirectUrl: `http://127.0.0.1:${bound}${PATH}`,
    state,
    answer: (signal) => orAborted(promise, signal),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Said = { readonly status: number; readonly text: string };

function say(response: ServerResponse, { status, text }: Said, onSent?: () => void): void {
  response.writeHead(status, HEADERS).end(text, onSent);
}
