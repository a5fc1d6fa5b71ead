import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { OpenAiSource } from "../model.ts";
import { ServerConnection } from "./server-connection.ts";
import { openServerModel } from "./server-model.ts";

const never = new AbortController().signal;

/** A server that counts its connections, and remembers how each request wished its connection to be treated. */
class Counted<S extends Server> implements AsyncDisposable {
  readonly server: S;
  readonly sockets: Socket[] = [];
  readonly wishes: (string | undefined)[] = [];

  constructor(server: S) {
    this.server = server;
    server.on("connection", (socket: Socket) => void this.sockets.push(socket));
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${portOf(this.server)}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function serve(listener: RequestListener, keepAliveTimeoutMs = 5000, port = 0) {
  // Node tells its clients the timeout, but for 0, where it has none.
  const counted = new Counted(createServer({ keepAliveTimeout: keepAliveTimeoutMs }));
  counted.server.on("request", (request, response) => {
    counted.wishes.push(request.headers.connection);
    listener(request, response);
  });
  counted.server.listen(port, "127.0.0.1");
  await once(counted.server, "listening");
  return counted;
}

/** Answers the requests of all its connections, counted from 0, byte for byte as it is told. */
async function serveBytes(answer: (socket: Socket, index: number) => void) {
  const counted = new Counted(createTcpServer());
  counted.server.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      counted.wishes.push(/connection: (.*)\r/i.exec(String(bytes))?.[1]);
      answer(socket, counted.wishes.length - 1);
    });
  });
  counted.server.listen(0, "127.0.0.1");
  await once(counted.server, "listening");
  return counted;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

const PROMISED = "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\ncontent-length: 2\r\n\r\nok";

function get(server: ServerConnection) {
  return server.send({ method: "GET", path: "/models", signal: never });
}

async function textOf(server: ServerConnection): Promise<string> {
  return await (await get(server)).body.text();
}

test("uses a connection again where the server says for how long it keeps it, and closes it itself", async () => {
  await using counted = await serve((_, response) => response.end("ok"), 3_600_000);
  await using server = new ServerConnection(counted);
  for (let call = 0; call < 3; call++) assert.equal(await textOf(server), "ok");
  assert.equal(counted.sockets.length, 1);
  const [socket] = counted.sockets;
  assert.ok(socket !== undefined);
  await once(socket, "end");
});

test("asks a server that does not say it on a new connection each time, unless its kind is known to keep them", async () => {
  await using counted = await serve((_, response) => response.end("ok"), 0);
  await using server = new ServerConnection(counted);
  for (let call = 0; call < 3; call++) await textOf(server);
  assert.equal(counted.sockets.length, 3);
  assert.deepEqual(counted.wishes, ["keep-alive", "close", "close"]);
  await using trusting = new ServerConnection(counted);
  trusting.trustIdle();
  for (let call = 0; call < 3; call++) await textOf(trusting);
  assert.equal(counted.sockets.length, 4);
});

test("asks on a new connection where the server closes each one, and says so", async () => {
  await using counted = await serve((_, response) => response.setHeader("connection", "close").end("ok"));
  await using server = new ServerConnection(counted);
  server.trustIdle();
  for (let call = 0; call < 5; call++) assert.equal(await textOf(server), "ok");
  assert.equal(counted.sockets.length, 5);
});

test("no call fails at a server that breaks its word and closes connections at once, and it is not believed again", async () => {
  await using counted = await serveBytes((socket) => socket.end(PROMISED));
  await using server = new ServerConnection(counted);
  for (let call = 0; call < 20; call++) assert.equal(await textOf(server), "ok");
  assert.equal(counted.sockets.length, 20);
  assert.deepEqual(
    counted.wishes.slice(2),
    Array.from({ length: 18 }, () => "close"),
  );
});

test("no call fails when the server restarts between two", async () => {
  const answer: RequestListener = (_, response) => response.end("ok");
  let counted = await serve(answer);
  const port = portOf(counted.server);
  await using server = new ServerConnection(counted);
  for (let start = 0; start < 5; start++) {
    assert.equal(await textOf(server), "ok");
    await counted[Symbol.asyncDispose]();
    counted = await serve(answer, 5000, port);
    assert.equal(await textOf(server), "ok");
  }
  await counted[Symbol.asyncDispose]();
});

test("sees that the server has closed the connection while ATOS was busy", async () => {
  // In a thread of its own, so that it goes on while this one can't.
  const source = `
    const { parentPort } = require("node:worker_threads");
    const server = require("node:net").createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => {
        socket.write(${JSON.stringify(PROMISED)});
        setTimeout(() => socket.end(), 20);
      });
    });
    server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
  `;
  const worker = new Worker(source, { eval: true });
  const [port] = await once(worker, "message");
  await using server = new ServerConnection({ baseUrl: `http://127.0.0.1:${port}/v1` });
  try {
    for (let call = 0; call < 3; call++) {
      assert.equal(await textOf(server), "ok");
      // Reads something first, so that what follows is done right after events of files and sockets were looked for.
      await delay(5);
      await readFile(import.meta.filename);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  } finally {
    await worker.terminate();
  }
});

test("a connection that breaks while a request is on its way is an error, and the request is not sent again", async () => {
  await using counted = await serveBytes((socket, index) => {
    if (index === 1) socket.resetAndDestroy();
    else socket.write(PROMISED);
  });
  await using server = new ServerConnection(counted);
  await textOf(server);
  await assert.rejects(textOf(server), { code: "engine/stream-cut", message: /before it answered/ });
  assert.deepEqual([counted.wishes.length, counted.sockets.length], [2, 1]);
  assert.equal(await textOf(server), "ok");
  assert.deepEqual([counted.wishes.length, counted.sockets.length], [3, 2]);
});

test("drops the rest of an answer, and closes the connection of one that does not end", async () => {
  const rests: RequestListener[] = [
    (_, response) => void setTimeout(() => response.end("b"), 10),
    (_, response) => void response.write("b".repeat(100_000)),
    (_, response) => void response.write("b"),
  ];
  for (const [index, rest] of rests.entries()) {
    await using counted = await serve((request, response) => {
      response.write("a");
      rest(request, response);
    });
    await using server = new ServerConnection(counted);
    const response = await get(server);
    for await (const _ of response.body.iterator({ destroyOnReturn: false })) break;
    server.dropRest(response);
    if (!response.body.closed) await new Promise((resolve) => response.body.once("close", resolve));
    assert.equal(response.body.readableEnded, index === 0);
    server.dropRest(await get(server));
    assert.equal(counted.sockets.length, index === 0 ? 1 : 2);
  }
});

test("breaks an answer off in the middle without an error of its own", async () => {
  await using counted = await serve((_, response) => void response.write("a"));
  await using server = new ServerConnection(counted);
  for (let call = 0; call < 10; call++) {
    const response = await get(server);
    for await (const _ of response.body.iterator({ destroyOnReturn: false })) break;
    server.breakOff(response);
    const socket = counted.sockets[call];
    assert.ok(socket !== undefined);
    if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
    server.breakOff(response);
  }
  assert.equal(counted.sockets.length, 10);
});

test("a reply is over at its `[DONE]`, even when the server keeps the answer open", async () => {
  for (const ends of [true, false]) {
    await using counted = await serve((request, response) => {
      if (request.method === "GET") return void response.writeHead(404).end();
      response.setHeader("content-type", "text/event-stream");
      const said = { choices: [{ delta: { content: "hi" }, finish_reason: "stop" }] };
      response.write(`data: ${JSON.stringify(said)}\n\n`);
      response.write("data: [DONE]\n\n");
      if (ends) response.end(": bye\n\n");
    });
    const source: OpenAiSource = {
      kind: "openai",
      id: "x",
      baseUrl: counted.baseUrl,
      model: "x",
      contextTokens: 4096,
    };
    await using model = await openServerModel(source, {}, never);
    const before = counted.sockets.length;
    const request = { messages: [{ role: "user", content: "hi" }], maxTokens: 9, temperature: 0, seed: 1 } as const;
    for (let reply = 0; reply < 3; reply++) {
      const parts = await Array.fromAsync(model.generate(request, never));
      assert.deepEqual(parts[0], { kind: "text", text: "hi" });
      assert.equal(parts.at(-1)?.kind, "end");
    }
    if (ends) assert.equal(counted.sockets.length, before);
  }
});
