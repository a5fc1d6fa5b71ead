import { randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { abortable } from "./abortable.ts";

/** Waits on this machine for the browser to come back from a log-in. */
export type RedirectListener = AsyncDisposable & {
  readonly redirectUrl: string;
  /** What the browser must bring back; nobody else knows it. */
  readonly state: string;
  /** What it brought back, once. */
  answer(signal: AbortSignal): Promise<URLSearchParams>;
};

const PATH = "/callback";
const DONE = "You are logged in to the server as far as this page knows. Close it, and look at the terminal.\n";
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
    const { pathname, searchParams } = new URL(`http://127.0.0.1${request.url ?? "/"}`);
    if (request.method !== "GET" || pathname !== PATH) return say(response, 404, "Nothing here.\n");
    const states = searchParams.getAll("state");
    // Anything can call here, so what does not know the state changes nothing.
    if (isOver || states.length !== 1 || states[0] !== state)
      return say(response, 400, "This is not the log-in that ATOS waits for.\n");
    isOver = true;
    say(response, 200, DONE, () => resolve(searchParams));
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
    answer: (signal) => abortable(promise, signal),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function say(response: ServerResponse, status: number, text: string, onSent?: () => void): void {
  response.writeHead(status, HEADERS).end(text, onSent);
}
