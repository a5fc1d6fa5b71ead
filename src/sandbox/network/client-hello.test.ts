import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { readClientHello } from "./client-hello.ts";

/** What a real TLS client sends first. */
async function helloOf(serverName: string | undefined): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const socket = connect({ port: typeof address === "object" ? (address?.port ?? 0) : 0, host: "127.0.0.1" });
  const client = connectTls({ socket, ...(serverName === undefined ? {} : { servername: serverName }) });
  client.on("error", () => {});
  const [accepted] = await once(server, "connection");
  let bytes = Buffer.alloc(0);
  for await (const chunk of accepted) {
    bytes = Buffer.concat([bytes, chunk]);
    if (readClientHello(bytes).kind !== "incomplete") break;
  }
  client.destroy();
  server.close();
  return bytes;
}

test("reads the server's name from a real hello, and that there is none", async () => {
  const hello = await helloOf("registry.npmjs.org");
  assert.deepEqual(readClientHello(hello), { kind: "hello", serverName: "registry.npmjs.org" });
  assert.deepEqual(readClientHello(await helloOf(undefined)), { kind: "hello", serverName: undefined });
});

test("waits for all of it, whatever the pieces", async () => {
  const hello = await helloOf("pypi.org");
  for (let length = 0; length < hello.length; length++) {
    assert.deepEqual(readClientHello(hello.subarray(0, length)), { kind: "incomplete" }, String(length));
  }
  assert.equal(readClientHello(Buffer.concat([hello, Buffer.from("more")])).kind, "hello");
});

test("anything else is other: plain HTTP, SSH, a broken or a split hello, two names", async () => {
  assert.deepEqual(readClientHello(Buffer.from("GET / HTTP/1.1\r\n")), { kind: "other" });
  assert.deepEqual(readClientHello(Buffer.from("S")), { kind: "other" });
  assert.deepEqual(readClientHello(Buffer.from([22, 3, 1, 0xff, 0xff])), { kind: "other" });
  assert.deepEqual(readClientHello(Buffer.from([22, 3, 1, 0, 0])), { kind: "other" });
  const hello = await helloOf("pypi.org");
  const split = Buffer.from(hello.subarray(0, 105));
  split.writeUInt16BE(100, 3);
  assert.deepEqual(readClientHello(split), { kind: "other" });
  const name = Buffer.from("\0\0\0\x0d\0\x0b\0\0\x08pypi.org", "latin1");
  assert.ok(hello.includes(name), "the extension was not found");
  assert.deepEqual(readClientHello(withExtension(hello, name)), { kind: "other" });
});

test("no bytes make it throw", async () => {
  const hello = await helloOf("pypi.org");
  for (let index = 0; index < hello.length; index++) {
    for (const value of [0, 1, 0xff]) {
      const changed = Buffer.from(hello);
      changed[index] = value;
      readClientHello(changed);
    }
  }
});

/** The hello with one more extension at its end, and all lengths put right. */
function withExtension(hello: Buffer, extension: Buffer): Buffer {
  const longer = Buffer.concat([hello, extension]);
  const sessionEnd = 44 + (hello[43] ?? 0);
  const ciphersEnd = sessionEnd + 2 + hello.readUInt16BE(sessionEnd);
  const extensionsAt = ciphersEnd + 1 + (hello[ciphersEnd] ?? 0);
  longer.writeUInt16BE(longer.length - 5, 3);
  longer.writeUIntBE(longer.length - 9, 6, 3);
  longer.writeUInt16BE(longer.length - extensionsAt - 2, extensionsAt);
  return longer;
}
