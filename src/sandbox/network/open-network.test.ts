import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { NetworkRule } from "../sandbox.ts";
import { type Network, type NetworkOptions, openNetwork } from "./open-network.ts";

const never = new AbortController().signal;
const servers: Server[] = [];
after(() => servers.forEach((server) => void server.close()));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A web server that tells what it was asked. */
const seen: string[] = [];
const echo = createServer((asked: IncomingMessage, response: ServerResponse) => {
  seen.push(asked.url ?? "");
  if (asked.url === "/away") return response.writeHead(302, { location: "http://evil.example/" }).end();
  if (asked.url === "/slow") return response.writeHead(200).write("begun");
  if (asked.url === "/large") return response.writeHead(200).end(Buffer.alloc(4 * 2 ** 20, 1));
  text(asked).then(
    (body) => response.end(JSON.stringify({ method: asked.method, url: asked.url, headers: asked.headers, body })),
    () => response.destroy(),
  );
});
const port = await listen(echo);

/** TLS without certificates: both sides know a key. */
const PSK = { psk: Buffer.from("0123456789abcdef"), identity: "test" };
const tls = createTlsServer({ ciphers: "PSK", maxVersion: "TLSv1.2", pskCallback: () => PSK.psk }, (socket) => {
  socket.on("error", () => {}).end(`hello ${socket.servername || "nobody"}`);
});
const tlsPort = await listen(tls);

const SITE: NetworkRule = { host: "site.example", port, private: true };
const SECURE: NetworkRule = { host: "site.example", port: tlsPort, private: true };
const local = async (): Promise<string[]> => ["127.0.0.1"];
const open = (allow: readonly NetworkRule[], options: NetworkOptions = {}): Promise<Network> =>
  openNetwork(allow, never, { resolve: local, ...options });

type Reply = { readonly status: number; readonly location: string | undefined; readonly body: string };

/** A request through the proxy, with exactly these headers. */
async function get(
  network: Network,
  path: string,
  headers: readonly string[] = ["Host", `site.example:${port}`],
): Promise<Reply> {
  const asking = request({ socketPath: network.socketPath, path, headers, agent: false, timeout: 10_000 }).end();
  const [response]: IncomingMessage[] = await once(asking, "response");
  assert.ok(response !== undefined);
  return { status: response.statusCode ?? 0, location: response.headers.location, body: await text(response) };
}

async function connectThrough(
  network: Network,
  path: string,
): Promise<{ status: number; socket: Socket; body: string }> {
  const socket = connect(network.socketPath);
  socket.on("error", () => {}).write(`CONNECT ${path} HTTP/1.1\r\nHost: ${path}\r\n\r\n`);
  const [first] = await once(socket, "data");
  const [head = "", body = ""] = String(first).split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), socket, body };
}

/** What a raw request is answered with, to the end of the connection. */
async function raw(network: Network, bytes: string): Promise<string> {
  const socket = connect(network.socketPath).on("error", () => {});
  socket.write(bytes);
  return text(socket);
}

async function talkTls(socket: Socket, servername: string): Promise<string> {
  const options = { ciphers: "PSK", pskCallback: () => PSK, checkServerIdentity: () => undefined };
  return text(connectTls({ socket, servername, ...options })).catch((error: unknown) => String(error));
}

test("a plain request passes on, method, path, headers and body, but what was for the proxy", async () => {
  await using network = await open([SITE]);
  const headers = {
    "x-own": "a",
    "proxy-authorization": "b",
    "x-hop": "c",
    connection: "x-hop",
    host: `SITE.example.:${port}`,
  };
  const options = { socketPath: network.socketPath, method: "POST", path: `http://site.example:${port}?a=b`, headers };
  const [response]: IncomingMessage[] = await once(request(options).end("some text"), "response");
  assert.ok(response !== undefined);
  assert.deepEqual(JSON.parse(await text(response)), {
    method: "POST",
    url: "/?a=b",
    headers: { host: `site.example:${port}`, "x-own": "a", "content-length": "9", connection: "close" },
    body: "some text",
  });
  const target = `http://site.example:${port}/ HTTP/1.1\r\nHost: site.example:${port}\r\n`;
  const chunked = await raw(
    network,
    `PUT ${target}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  );
  assert.match(chunked, /"transfer-encoding":"chunked".*"body":"abc"/);
  assert.deepEqual(network.refused(), []);
});

test("a tunnel carries TLS to the host that it names", async () => {
  await using network = await open([SECURE]);
  const { status, socket } = await connectThrough(network, `site.example:${tlsPort}`);
  assert.equal(status, 200);
  assert.equal(await talkTls(socket, "site.example"), "hello site.example");
  assert.deepEqual(network.refused(), []);
});

test("a tunnel carries nothing else, and no TLS for another name", async () => {
  await using network = await open([SITE, SECURE]);
  const fronted = await connectThrough(network, `site.example:${tlsPort}`);
  assert.doesNotMatch(await talkTls(fronted.socket, "other.example"), /hello/);
  const plain = await connectThrough(network, `site.example:${port}`);
  const before = seen.length;
  plain.socket.write(`GET /by-tunnel HTTP/1.1\r\nHost: site.example:${port}\r\n\r\n`);
  assert.equal(await text(plain.socket).catch(() => "cut"), "");
  assert.equal(seen.length, before);
  assert.deepEqual(network.refused(), [`other.example:${tlsPort}`, `site.example:${port}`]);
});

test("refuses hosts and ports that are not on the list, and names each once", async () => {
  await using network = await open([SITE]);
  const refused = await get(network, "http://evil.example/", ["Host", "evil.example"]);
  assert.deepEqual(refused, {
    status: 403,
    location: undefined,
    body: "atos: evil.example:80 is not among the hosts that this command may reach\n",
  });
  await get(network, "http://evil.example/again", ["Host", "evil.example"]);
  assert.equal((await get(network, `http://127.0.0.1:${port}/`, ["Host", `127.0.0.1:${port}`])).status, 403);
  assert.equal((await connectThrough(network, "site.example:22")).status, 403);
  assert.deepEqual(network.refused(), ["evil.example:80", `127.0.0.1:${port}`, "site.example:22"]);
});

test("refuses a name with any address that is not public, unless the rule says so", async () => {
  const rule = { host: "site.example", port };
  for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1", "0.0.0.0"]) {
    await using network = await open([rule], { resolve: async () => ["93.184.215.14", address] });
    const { status, body } = await get(network, `http://site.example:${port}/`);
    assert.deepEqual([status, body.includes(address)], [403, true], address);
    assert.deepEqual(network.refused(), [`site.example:${port}`]);
  }
  await using literal = await open([{ host: "127.0.0.1", port }]);
  assert.equal((await get(literal, `http://127.0.0.1:${port}/`, ["Host", `127.0.0.1:${port}`])).status, 403);
});

test("resolves a name once and connects to what it looked at: rebinding gains nothing", async () => {
  const answers = [["127.0.0.1"], ["127.0.0.99"], ["127.0.0.99"]];
  let asked = 0;
  const resolve = async (): Promise<string[]> => answers[asked++] ?? [];
  await using own = await open([SITE], { resolve });
  assert.equal((await get(own, `http://site.example:${port}/once`)).status, 200);
  assert.equal(asked, 1);
  const turns = [["192.0.2.1"], ["8.8.8.8"], ["127.0.0.1"]];
  const before = seen.length;
  await using network = await open([{ host: "site.example", port }], {
    resolve: async () => turns.shift() ?? [],
    connectMs: 200,
  });
  const statuses = [];
  for (let turn = 0; turn < 4; turn++) statuses.push((await get(network, `http://site.example:${port}/turn`)).status);
  assert.deepEqual(statuses, [403, 502, 403, 502]);
  assert.equal(seen.length, before);
});

test("a redirect is the client's to follow, and is judged like any other request", async () => {
  await using network = await open([SITE]);
  const reply = await get(network, `http://site.example:${port}/away`);
  assert.deepEqual([reply.status, reply.location], [302, "http://evil.example/"]);
  assert.equal((await get(network, reply.location ?? "", ["Host", "evil.example"])).status, 403);
});

test("refuses what is no plain target, or names two", async () => {
  await using network = await open([SITE, { host: "127.0.0.1", port, private: true }]);
  const before = seen.length;
  const host = ["Host", `site.example:${port}`];
  const paths = [
    [
      "/",
      "*",
      `https://site.example:${port}/`,
      `ftp://site.example:${port}/`,
      `http://a@site.example:${port}/`,
      "http:///",
    ],
    [
      `http://a:b@site.example:${port}/`,
      `http://2130706433:${port}/`,
      `http://0x7f.1:${port}/`,
      `http://0177.1:${port}/`,
    ],
    [
      `http://site.example:${port}@evil.example/`,
      `http://evil.example\\@site.example:${port}/`,
      `http://127.1:${port}/`,
    ],
    [`http://site.example:${port}/#a`, `http://s%69te.example:${port}/`, `http://site.example%00:${port}/`],
  ].flat();
  for (const path of paths) assert.equal((await get(network, path, host)).status, 400, path);
  const good = `http://site.example:${port}/two`;
  assert.equal((await get(network, good, ["Host", "evil.example"])).status, 400);
  assert.equal((await get(network, good, ["Host", `site.example:${port + 1}`])).status, 400);
  assert.equal((await get(network, good, [...host, "Host", "evil.example"])).status, 400);
  for (const target of [
    "site.example",
    "site.example:",
    "[::1",
    "a@site.example:443",
    "0x7f.1:443",
    "http://site.example:443",
  ]) {
    assert.equal((await connectThrough(network, target)).status, 400, target);
  }
  assert.equal(seen.length, before);
  assert.ok(network.refused().includes(`2130706433:${port}`));
  assert.doesNotMatch(network.refused().join(), /@|\/|a:b/);
});

test("takes no request apart differently than the server would: smuggling ends the connection", async () => {
  await using network = await open([SITE]);
  const before = seen.length;
  const head = `POST http://site.example:${port}/ HTTP/1.1\r\nHost: site.example:${port}\r\n`;
  const both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n";
  assert.match(await raw(network, head + both), /^HTTP\/1.1 400 /);
  assert.match(await raw(network, `${head}X-A: a\r\n b: c\r\nContent Length: 3\r\n\r\nabc`), /^HTTP\/1.1 400 /);
  assert.match(
    await raw(network, `GET http://evil.example/\x01 HTTP/1.1\r\nHost: evil.example\r\n\r\n`),
    /^HTTP\/1.1 400 /,
  );
  assert.match(await raw(network, `${head}X: ${"a".repeat(20_000)}\r\n\r\n`), /^HTTP\/1.1 431 /);
  assert.equal(seen.length, before);
});

test("a body stays a body, whatever the headers between neighbours say", async () => {
  await using network = await open([SITE]);
  const before = seen.length;
  const body = "GET /second HTTP/1.1\r\nHost: evil.example\r\n\r\n";
  const head = `GET http://site.example:${port}/first HTTP/1.1\r\nHost: site.example:${port}\r\n`;
  const reply = await raw(
    network,
    `${head}Connection: close, content-length\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.match(reply, /^HTTP\/1.1 200 /);
  assert.deepEqual(seen.slice(before), ["/first"]);
});

test("no answer of a server harms the proxy", async () => {
  const answers = [
    [
      "HTTP/1.1 042 Odd\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
      "",
      "SSH-2.0\r\n",
    ],
    [
      "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nabcd",
    ],
    [`HTTP/1.1 200 OK\r\nA: ${"a".repeat(100_000)}\r\n\r\n`, "HTTP/1.1 103 Hints\r\n\r\n"],
  ].flat();
  const odd = createTcpServer((socket) => socket.on("error", () => {}).end(answers[0] ?? ""));
  const oddPort = await listen(odd);
  await using network = await open([{ host: "site.example", port: oddPort, private: true }]);
  const statuses = [];
  for (; answers.length > 0; answers.shift()) {
    statuses.push((await get(network, `http://site.example:${oddPort}/`, ["Host", `site.example:${oddPort}`])).status);
  }
  assert.deepEqual(statuses, [502, 502, 502, 502, 502, 502, 502, 502]);
  answers.push("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut");
  await assert.rejects(get(network, `http://site.example:${oddPort}/`, ["Host", `site.example:${oddPort}`]));
});

test("bytes have a limit over all connections, then everything is refused", async () => {
  await using network = await open([SITE], { maxBytes: 2 ** 20 });
  await assert.rejects(get(network, `http://site.example:${port}/large`));
  const reply = await get(network, `http://site.example:${port}/more`);
  assert.deepEqual([reply.status, reply.body], [403, "atos: this command has moved more than the 1 MiB that it may\n"]);
  assert.deepEqual(network.refused(), [`site.example:${port}`]);
});

test("connections have a limit, and one without a byte ends", async () => {
  await using network = await open([SITE], { maxConnections: 2, idleMs: 300 });
  const two = await Promise.all([1, 2].map(async () => connectThrough(network, `site.example:${port}`)));
  await assert.rejects(get(network, `http://site.example:${port}/third`));
  for (const { socket } of two) assert.equal(await text(socket).catch(() => ""), "");
  assert.equal(await get(network, `http://site.example:${port}/slow`).catch(() => "cut off"), "cut off");
});

test("says what the network did not do: no such name, no answer, nobody listening", async () => {
  const gone = createTcpServer();
  const deadPort = await listen(gone);
  gone.close();
  const rule = { host: "site.example", port: deadPort, private: true };
  const statuses = [];
  const resolvers = [
    local,
    async () => [],
    () => Promise.reject(new Error("ENOTFOUND")),
    () => new Promise<string[]>(() => {}),
  ];
  for (const resolve of resolvers) {
    await using network = await open([rule], { resolve, connectMs: 200 });
    const { status } = await get(network, `http://site.example:${deadPort}/`, ["Host", `site.example:${deadPort}`]);
    statuses.push(status);
    assert.deepEqual(network.refused(), []);
  }
  assert.deepEqual(statuses, [502, 502, 502, 502]);
});

test("its socket lies in a folder of its own, which goes with it, as do open connections", async () => {
  const network = await open([SITE]);
  const folder = dirname(network.socketPath);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.ok(Buffer.byteLength(network.socketPath) < 104);
  const { socket } = await connectThrough(network, `site.example:${port}`);
  const closed = once(socket, "close");
  await network[Symbol.asyncDispose]();
  await closed;
  assert.equal(existsSync(folder), false);
});

test("an abort cuts everything off", async () => {
  const stop = new AbortController();
  await using network = await openNetwork([SITE], stop.signal, { resolve: local });
  const { socket } = await connectThrough(network, `site.example:${port}`);
  const closed = once(socket, "close");
  stop.abort();
  await closed;
  await assert.rejects(openNetwork([SITE], stop.signal));
});

test("refuses rules that could match nothing", async () => {
  await assert.rejects(open([{ host: "https://site.example", port: 443 }]), { code: "sandbox/network-rule" });
});
