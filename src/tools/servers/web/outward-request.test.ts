import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { afterEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { isPrivateHost, outwardRequest, type Reach } from "./outward-request.ts";

const never = new AbortController().signal;
const servers: (Server | TcpServer)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  }
});

async function listening(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}
const http = (listener: RequestListener) => listening(createServer(listener));
/** Answers each connection with these very bytes. */
const raw = (text: string, end: boolean) =>
  listening(
    createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => (end ? socket.end(text) : socket.write(text)));
    }),
  );

const get = (address: string, reach: Partial<Reach> = {}, maxBytes = 1000) => {
  const url = new URL(address);
  const request = { url, method: "GET", maxBytes, timeoutMs: 300 } as const;
  return outwardRequest({ allowPrivate: [url.host], ...reach }, request, never);
};
const why = async (address: string, reach: Partial<Reach> = {}) => {
  const answer = await get(address, reach);
  return answer.kind === "failed" ? answer.why : `answered ${answer.status}: ${answer.body.toString()}`;
};

test("asks with a method, headers and a body, and hands back the answer", async () => {
  const port = await http((request, response) => {
    const { method, url, headers } = request;
    request.setEncoding("utf8").on("data", (body) => {
      response
        .setHeader("x-seen", `${method} ${url} ${String(headers["x-mine"])} ${headers["user-agent"]} ${body}`)
        .end("yes");
    });
  });
  const url = new URL(`http://127.0.0.1:${port}/a?b=c`);
  const request = { method: "POST", headers: { "x-mine": "1" }, body: "hello", maxBytes: 10, timeoutMs: 5000 } as const;
  const answer = await outwardRequest({ allowPrivate: ["127.0.0.1"] }, { url, ...request }, never);
  assert.ok(answer.kind === "answered");
  assert.equal(answer.headers["x-seen"], "POST /a?b=c 1 atos hello");
  assert.deepEqual([answer.status, answer.body.toString(), answer.isCut], [200, "yes", false]);
});

test("an address that is not public is not connected to, in whatever spelling", async () => {
  const seen: string[] = [];
  const port = await http((_, response) => response.end(seen.push("reached").toString()));
  const hosts = ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"];
  for (const host of hosts) {
    assert.match(await why(`https://${host}:${port}/`, { allowPrivate: [] }), /which is no public address$/, host);
  }
  const names = { resolve: async () => ["93.184.215.14", "10.0.0.7"], allowPrivate: [] };
  assert.equal(await why("https://two.test/", names), "two.test is 10.0.0.7, which is no public address");
  assert.deepEqual(seen, []);
});

test("the connection goes to the address that was checked: the name is asked once", async () => {
  const port = await http((request, response) => response.end(request.headers.host));
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    return asked.length === 1 ? ["127.0.0.1"] : ["10.0.0.7"];
  };
  assert.equal(await why(`http://rebinding.test:${port}/`, { resolve }), `answered 200: rebinding.test:${port}`);
  assert.deepEqual(asked, ["rebinding.test"]);
});

test("plain HTTP and private addresses are for hosts that a person named, by name or by name and port", async () => {
  const named = (address: string, name: string) => isPrivateHost(new URL(address), [name]);
  assert.deepEqual(
    [
      named("http://nas.test/", "nas.test"),
      named("http://nas.test:8080/", "NAS.test:8080"),
      named("https://nas.test/", "nas.test:443"),
      named("http://nas.test:8081/", "nas.test:8080"),
      named("http://evil-nas.test/", "nas.test"),
    ],
    [true, true, true, false, false],
  );
  assert.equal(
    await why("http://example.com/", { allowPrivate: [] }),
    "only https:// addresses can be reached, not http://",
  );
  assert.equal(await why("file:///etc/passwd"), "only https:// addresses can be reached, not file://");
  assert.match(await why("https://me:pass@example.com/"), /user name or password/);
});

test("a name without an address, and a port without a server, are told apart from what may have been received", async () => {
  const port = await http(() => {});
  servers.pop()?.close();
  const refused = await get(`http://127.0.0.1:${port}/`);
  assert.ok(refused.kind === "failed" && refused.isPassing && !refused.isSent, JSON.stringify(refused));
  const nowhere = await get("http://nowhere.test/", { resolve: async () => [] });
  assert.ok(nowhere.kind === "failed" && !nowhere.isPassing && !nowhere.isSent, JSON.stringify(nowhere));
  const silent = await get(`http://127.0.0.1:${await http(() => {})}/`);
  assert.ok(silent.kind === "failed" && silent.isPassing && silent.isSent, JSON.stringify(silent));
});

test("an answer that drips is given up when its time is over", async () => {
  const port = await http((_, response) => {
    const drip = setInterval(() => response.write("."), 20);
    response.on("close", () => clearInterval(drip));
  });
  assert.match(await why(`http://127.0.0.1:${port}/`), /did not answer completely within 0.3 s$/);
});

test("no more than maxBytes are read, counted after decoding", async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  const port = await http((request, response) => {
    if (request.url === "/bomb") response.setHeader("content-encoding", "gzip").end(bomb);
    else response.end("x".repeat(5000));
  });
  for (const path of ["plain", "bomb"]) {
    const answer = await get(`http://127.0.0.1:${port}/${path}`);
    assert.ok(answer.kind === "answered");
    assert.deepEqual([answer.body.length, answer.isCut], [1000, true]);
  }
});

test("codings are undone, unknown and broken ones are failures", async () => {
  const port = await http((request, response) => {
    const coding = request.url?.slice(1) ?? "";
    response.setHeader("content-encoding", coding).end(coding === "gzip" ? gzipSync("words") : "not that");
  });
  assert.equal(await why(`http://127.0.0.1:${port}/gzip`), "answered 200: words");
  assert.match(await why(`http://127.0.0.1:${port}/br`), /failed \(/);
  assert.match(await why(`http://127.0.0.1:${port}/zstd`), /answers in the coding zstd$/);
});

test("lies about the length, endless headers and what is no HTTP are failures", async () => {
  const short = await raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", true);
  assert.match(await why(`http://127.0.0.1:${short}/`), /failed \(/);
  const long = await raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nmuch more than that", true);
  assert.match(await why(`http://127.0.0.1:${long}/`), /^answered 200: mu$/);
  const headers = await raw(`HTTP/1.1 200 OK\r\nx: ${"a".repeat(40_000)}\r\n\r\n`, false);
  assert.match(await why(`http://127.0.0.1:${headers}/`), /failed \(/);
  const other = await raw("SSH-2.0-OpenSSH\r\n", false);
  assert.match(await why(`http://127.0.0.1:${other}/`), /failed \(/);
});

test("an aborted call rejects with the reason, while it resolves and while it reads", async () => {
  const port = await http((_, response) => response.write("begun"));
  const abort = async (reach: Partial<Reach>) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 20);
    const url = new URL(`http://slow.test:${port}/`);
    const request = { url, method: "GET", maxBytes: 100, timeoutMs: 20_000 } as const;
    await outwardRequest({ allowPrivate: ["slow.test"], ...reach }, request, stop.signal);
  };
  await assert.rejects(abort({ resolve: () => new Promise(() => {}) }), { message: "enough" });
  await assert.rejects(abort({ resolve: async () => ["127.0.0.1"] }), { message: "enough" });
});
