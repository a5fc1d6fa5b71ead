import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspectRemote, type Pull, type PullDeps, pullModel } from "./pull-model.ts";

/*
 * A hub and its storage on two ports of this machine. The hub answers like the real one: it names hash and
 * size and sends on to the storage, which knows nothing but bytes. Each path misbehaves in a way of its own.
 */
const CONTENT = Buffer.concat([Buffer.from("GGUF"), Buffer.alloc(200_000, 7)]);
const OTHER = Buffer.concat([Buffer.from("GGUF"), Buffer.alloc(200_000, 8)]);
const CUT = 50_000;
const SHA256 = sha256(CONTENT);

type Seen = {
  readonly at: "hub" | "storage";
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
};
type Misbehaviour = (request: IncomingMessage, response: ServerResponse, from: number) => void;

let seen: Seen[] = [];
/** An answer that breaks off once its bytes have arrived. */
let breaking: ServerResponse | undefined;
let hub = "";
let storage = "";
const servers: Server[] = [];
let directory = "";
const never = new AbortController().signal;

const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  "/breaks.gguf": (_, response, from) => {
    response.writeHead(from > 0 ? 206 : 200, headersFor(CONTENT, from, '"1"'));
    response.write(CONTENT.subarray(from, from + CUT));
    breaking = response;
  },
  "/ends-early.gguf": (_, response) => void response.writeHead(200).end(CONTENT.subarray(0, CUT)),
  "/ignores-ranges.gguf": (_, response) =>
    void response.writeHead(200, { "content-length": CONTENT.length }).end(CONTENT),
  // Answers the range although the file is another one now.
  "/overlooks-if-range.gguf": (_, response, from) =>
    void response.writeHead(from > 0 ? 206 : 200, headersFor(OTHER, from, '"2"')).end(OTHER.subarray(from)),
  "/obeys-if-range.gguf": (request, response, from) => {
    const isSame = request.headers["if-range"] === '"2"';
    response.writeHead(isSame ? 206 : 200, headersFor(OTHER, isSame ? from : 0, '"2"'));
    response.end(OTHER.subarray(isSame ? from : 0));
  },
  "/always-a-part.gguf": (_, response) =>
    void response.writeHead(206, { "content-range": "bytes 5-9/10" }).end("xxxxx"),
  "/lies.gguf": (_, response) => void response.writeHead(200, headersFor(OTHER, 0, '"1"')).end(OTHER),
  "/too-much.gguf": (_, response) => {
    response.writeHead(200);
    response.write(CONTENT);
    response.end(Buffer.alloc(1_000_000, 9));
  },
  "/page.gguf": (_, response) => void response.end("<html>"),
  "/silent.gguf": (_, response) => {
    response.writeHead(200, headersFor(CONTENT, 0, '"1"'));
    response.write(CONTENT.subarray(0, CUT));
  },
  "/slow.gguf": (_, response) => {
    response.writeHead(200, headersFor(CONTENT, 0, '"1"'));
    void (async () => {
      for (let at = 0; at < CONTENT.length; at += 20_000) {
        response.write(CONTENT.subarray(at, at + 20_000));
        await sleep(20);
      }
      response.end();
    })();
  },
  "/loop.gguf": (_, response) => void response.writeHead(302, { location: "/loop.gguf" }).end(),
  "/to-file.gguf": (_, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end(),
  "/gated.gguf": (request, response) =>
    void response.writeHead(request.headers.authorization === undefined ? 401 : 403).end("no"),
  "/busy.gguf": (_, response) => void response.writeHead(429, { "retry-after": "17" }).end(),
  "/none.gguf": (_, response) => void response.writeHead(404).end("no"),
};

before(async () => {
  storage = await listen((request, response, from) => {
    const misbehaviour = misbehaviours[request.url ?? ""];
    if (misbehaviour !== undefined) return misbehaviour(request, response, from);
    response.writeHead(from > 0 ? 206 : 200, headersFor(CONTENT, from, '"1"')).end(CONTENT.subarray(from));
  }, "storage");
  hub = await listen((request, response, from) => {
    const [, place, path = ""] = /^\/(direct|moved|linked)(\/.*)$/.exec(request.url ?? "") ?? [];
    if (place === "moved") return void response.writeHead(302, { location: `${storage}${path}` }).end();
    if (place === "linked") {
      const facts = { "x-linked-etag": `"${SHA256}"`, "x-linked-size": CONTENT.length };
      return void response.writeHead(302, { ...facts, location: `${storage}${path}` }).end();
    }
    const misbehaviour = misbehaviours[request.url ?? ""];
    if (misbehaviour !== undefined) return misbehaviour(request, response, from);
    response.writeHead(from > 0 ? 206 : 200, headersFor(CONTENT, from, '"1"')).end(CONTENT.subarray(from));
  }, "hub");
});
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach((t) => {
  seen = [];
  breaking = undefined;
  directory = mkdtempSync(join(tmpdir(), "atos-pull-"));
  const own = directory;
  if ("after" in t) t.after(() => rmSync(own, { recursive: true, force: true }));
});

test("a model of the hub is fetched from its storage, checked by the hash and the size that the hub names", async () => {
  const progress: [number, number | undefined][] = [];
  const pulled = await pull("/linked/model.gguf", { progress: (done, total) => progress.push([done, total]) });
  assert.deepEqual(pulled, { bytes: CONTENT.length, sha256: SHA256, resumedFrom: 0 });
  assert.deepEqual(readFileSync(join(directory, "m.gguf")), CONTENT);
  assert.deepEqual(readdirSync(directory), ["m.gguf"]);
  assert.deepEqual(progress[0], [0, CONTENT.length]);
  assert.deepEqual(progress.at(-1), [CONTENT.length, CONTENT.length]);
});

test("the token goes to the hub, and not on to the storage", async () => {
  await pull("/linked/model.gguf", { token: "secret" });
  assert.deepEqual(
    seen.map(({ at, authorization }) => [at, authorization]),
    [
      ["hub", "Bearer secret"],
      ["storage", undefined],
    ],
  );
});

test("a transfer that breaks off says how to go on, and the next call fetches only what is missing", async () => {
  await assert.rejects(pull("/linked/breaks.gguf"), {
    code: "engine/pull-failed",
    exitCode: 3,
    message: /broke off after 50000 bytes.*The same command goes on from there/,
  });
  assert.equal(existsSync(join(directory, "m.gguf")), false);
  await assert.rejects(pull("/linked/breaks.gguf"), /broke off after 100000 bytes/);
  await assert.rejects(pull("/linked/breaks.gguf"), /broke off after 150000 bytes/);
  await assert.rejects(pull("/linked/breaks.gguf"), /broke off after 200000 bytes/);
  const pulled = await pull("/linked/breaks.gguf");
  assert.deepEqual(pulled, { bytes: CONTENT.length, sha256: SHA256, resumedFrom: 200_000 });
  assert.deepEqual(
    seen.filter(({ at }) => at === "storage").map(({ range }) => range),
    [undefined, "bytes=50000-", "bytes=100000-", "bytes=150000-", "bytes=200000-"],
  );
});

test("a server that closes early without an error is found out by the size", async () => {
  await assert.rejects(pull("/linked/ends-early.gguf"), /broke off after 50000 bytes: the server ended it/);
});

test("without a hash a server is asked to go on only if the file is still the same", async () => {
  await assert.rejects(pull("/breaks.gguf"), { code: "engine/pull-failed" });
  await assert.rejects(pull("/breaks.gguf"), { code: "engine/pull-failed" });
  assert.deepEqual(
    seen.map(({ range, ifRange }) => [range, ifRange]),
    [
      [undefined, undefined],
      ["bytes=50000-", '"1"'],
    ],
  );
});

test("a changed file begins again, whether the server tells or only its ETag does", async () => {
  for (const path of ["/obeys-if-range.gguf", "/overlooks-if-range.gguf"]) {
    leave({ bytes: CONTENT.subarray(0, CUT), note: { url: `${hub}${path}`, validator: '"1"' } });
    assert.deepEqual(await pull(path), { bytes: OTHER.length, sha256: sha256(OTHER), resumedFrom: 0 });
    assert.deepEqual(readFileSync(join(directory, "m.gguf")), OTHER);
  }
});

test("what is left of another file of the hub is not gone on with", async () => {
  leave({ bytes: OTHER.subarray(0, CUT), note: { url: `${hub}/linked/model.gguf`, sha256: sha256(OTHER) } });
  assert.deepEqual(await pull("/linked/model.gguf"), { bytes: CONTENT.length, sha256: SHA256, resumedFrom: 0 });
  assert.equal(seen.at(-1)?.range, undefined);
});

test("a server that ignores ranges is taken at its word and begins again", async () => {
  leave({ bytes: CONTENT.subarray(0, CUT), note: { url: `${hub}/linked/ignores-ranges.gguf`, sha256: SHA256 } });
  const pulled = await pull("/linked/ignores-ranges.gguf");
  assert.deepEqual(pulled, { bytes: CONTENT.length, sha256: SHA256, resumedFrom: 0 });
  assert.equal(seen.at(-1)?.range, `bytes=${CUT}-`);
});

test("when every byte is here and only the name is missing, what the disk holds is checked and taken", async () => {
  leave({ bytes: CONTENT, note: { url: `${hub}/linked/whole.gguf`, sha256: SHA256 } });
  const pulled = await pull("/linked/whole.gguf");
  assert.deepEqual(pulled, { bytes: CONTENT.length, sha256: SHA256, resumedFrom: CONTENT.length });
});

test("a server that never gives the whole file is an error and no endless loop", async () => {
  await assert.rejects(pull("/always-a-part.gguf"), { code: "engine/pull-failed", message: /a part of it/ });
  assert.equal(seen.length, 2);
});

test("bytes that are not those of the hub's hash leave nothing", async () => {
  await assert.rejects(pull("/linked/lies.gguf"), { code: "engine/pull-wrong-hash", message: /was deleted/ });
  assert.deepEqual(readdirSync(directory), []);
});

test("a hash or a size other than the hub's is refused before a byte is fetched", async () => {
  const wrong = { sha256: "0".repeat(64) };
  await assert.rejects(pull("/linked/model.gguf", { expected: wrong }), {
    code: "engine/pull-wrong-hash",
    message: /nothing was fetched/,
  });
  await assert.rejects(pull("/linked/model.gguf", { expected: { bytes: 3 } }), {
    code: "engine/pull-wrong-size",
    message: /nothing was fetched/,
  });
  assert.equal(seen.filter(({ at }) => at === "storage").length, 0);
});

test("a server that sends too much is cut off", async () => {
  await assert.rejects(pull("/linked/too-much.gguf"), { code: "engine/pull-wrong-size" });
  assert.deepEqual(readdirSync(directory), []);
});

test("a page in place of a model leaves nothing under the model's name", async () => {
  await assert.rejects(pull("/page.gguf"), { code: "engine/model-broken" });
  assert.deepEqual(readdirSync(directory), []);
});

test("a slow server is waited for, and a silent one is not", async () => {
  assert.equal((await pull("/linked/slow.gguf", { idleMs: 30_000 })).bytes, CONTENT.length);
  await assert.rejects(pull("/silent.gguf", { idleMs: 300 }), { code: "engine/pull-failed" });
});

test("redirects that go round or leave the web are not followed", async () => {
  await assert.rejects(pull("/loop.gguf"), { code: "engine/pull-failed", message: /more than 5 times/ });
  await assert.rejects(pull("/to-file.gguf"), { code: "engine/pull-failed", message: /not followed/ });
});

test("a refusal says what to do about it", async () => {
  const denied = { code: "engine/pull-denied", exitCode: 3 };
  await assert.rejects(pull("/gated.gguf"), { ...denied, message: /set it as HF_TOKEN/ });
  await assert.rejects(pull("/gated.gguf", { token: "secret" }), { ...denied, message: /HF_TOKEN has no access/ });
  await assert.rejects(pull("/busy.gguf"), { code: "engine/pull-failed", message: /wait 17/ });
  await assert.rejects(pull("/none.gguf"), { code: "engine/pull-failed", message: /no such file/ });
});

test("a hub that is not there is named", async () => {
  await assert.rejects(pull("/x.gguf", { url: "http://127.0.0.1:1/x.gguf" }), {
    code: "engine/pull-failed",
    message: /127\.0\.0\.1:1 can't be reached/,
  });
});

test("a disk without room is told before the first byte, with both numbers", async () => {
  await assert.rejects(pull("/linked/model.gguf", {}, { freeBytes: () => Promise.resolve(1000) }), {
    code: "engine/pull-no-space",
    exitCode: 3,
    message: /needs 200004 more bytes and its disk has 1000 free/,
  });
  assert.deepEqual(readdirSync(directory), []);
});

test("two pulls of one file don't write over each other", async () => {
  await assert.rejects(pull("/linked/model.gguf", {}, { takeLock: () => undefined }), {
    code: "engine/pull-busy",
    exitCode: 3,
  });
  const locked: string[] = [];
  const takeLock = (path: string): Disposable => {
    locked.push(path);
    return { [Symbol.dispose]: () => void locked.pop() };
  };
  await pull("/linked/model.gguf", {}, { takeLock });
  assert.deepEqual(locked, []);
});

test("an abort keeps what has come, for the next call", async () => {
  const stop = new AbortController();
  const progress = (done: number): void => {
    if (done > 0) stop.abort();
  };
  await assert.rejects(pull("/linked/slow.gguf", { progress }, { signal: stop.signal }), { name: "AbortError" });
  assert.deepEqual(readdirSync(directory).toSorted(), ["m.gguf.part", "m.gguf.part.json"]);
  assert.ok((await pull("/linked/model.gguf")).resumedFrom > 0);
});

test("a file of the hub can be asked about without fetching it", async () => {
  assert.deepEqual(await inspectRemote({ url: `${hub}/linked/model.gguf` }, never), {
    sha256: SHA256,
    bytes: CONTENT.length,
  });
  assert.deepEqual(await inspectRemote({ url: `${hub}/model.gguf` }, never), { bytes: CONTENT.length });
  await assert.rejects(inspectRemote({ url: `${hub}/none.gguf` }, never), { code: "engine/pull-failed" });
});

test("what is of no use is gone before another file begins: its room counts, and no note speaks of its bytes", async () => {
  writeFileSync(join(directory, "m.gguf.part"), OTHER);
  writeFileSync(
    join(directory, "m.gguf.part.json"),
    JSON.stringify({ url: `${hub}/linked/model.gguf`, sha256: sha256(OTHER) }),
  );
  let left: readonly string[] | undefined;
  const freeBytes = async (): Promise<number> => {
    left = readdirSync(directory).filter((file) => file.startsWith("m.gguf.part"));
    return 2 ** 40;
  };
  assert.equal((await pull("/linked/model.gguf", {}, { freeBytes })).resumedFrom, 0);
  assert.deepEqual(left, []);
});

function pull(
  path: string,
  more: Partial<Pull> = {},
  { signal = never, ...deps }: Partial<PullDeps> & { signal?: AbortSignal } = {},
): ReturnType<typeof pullModel> {
  const all: PullDeps = {
    takeLock: () => ({ [Symbol.dispose]: () => {} }),
    freeBytes: () => Promise.resolve(2 ** 40),
    ...deps,
  };
  const progress = (done: number): void => {
    if (done > 0 && done % CUT === 0) breaking?.destroy();
  };
  const to = { url: `${hub}${path}`, path: join(directory, "m.gguf"), progress, ...more };
  return pullModel(all, to, signal);
}

/** What an earlier try left. */
function leave({ bytes, note }: { bytes: Buffer; note: object }): void {
  writeFileSync(join(directory, "m.gguf.part"), bytes);
  writeFileSync(join(directory, "m.gguf.part.json"), JSON.stringify(note));
}

function headersFor(content: Buffer, from: number, etag: string): Record<string, string | number> {
  const range = from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {};
  return { "content-length": content.length - from, etag, ...range };
}

async function listen(answer: Misbehaviour, at: Seen["at"]): Promise<string> {
  const server = createServer((request, response) => {
    const { range, authorization, "if-range": ifRange } = request.headers;
    seen.push({ at, path: request.url ?? "", range, authorization, ifRange: ifRange?.toString() });
    answer(request, response, Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the loopback hub has no port");
  return `http://127.0.0.1:${address.port}`;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
