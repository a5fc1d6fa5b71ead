import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pullModel, pullUrl } from "./pull-model.ts";

const CONTENT = Buffer.concat([Buffer.from("GGUF"), Buffer.alloc(200_000, 7)]);
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");
const directory = mkdtempSync(join(tmpdir(), "atos-pull-"));
const requests: { url: string | undefined; range: string | undefined; authorization: string | undefined }[] = [];
let server: Server;
let base = "";

before(async () => {
  server = createServer((request, response) => {
    const { range, authorization } = request.headers;
    requests.push({ url: request.url, range, authorization });
    if (request.url === "/moved.gguf") return void response.writeHead(302, { location: "/model.gguf" }).end();
    if (request.url === "/none.gguf") return void response.writeHead(404).end("no");
    if (request.url === "/page.gguf") return void response.end("<html>");
    if (request.url === "/cut.gguf") {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.subarray(0, 1000), () => response.destroy());
      return;
    }
    const from = Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": CONTENT.length - from }).end(CONTENT.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  base = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

const signal = new AbortController().signal;
const progress = (): void => {};

test("addresses: a hub's file, an http address, and nothing else", () => {
  assert.equal(
    pullUrl("hf:Owner/Repo-GGUF/sub/file.gguf", "https://hub.example/"),
    "https://hub.example/Owner/Repo-GGUF/resolve/main/sub/file.gguf",
  );
  assert.equal(pullUrl("http://h/x.gguf?a=1", "x"), "http://h/x.gguf?a=1");
  for (const bad of ["hf:owner/file.gguf", "model.gguf", "ftp://h/x.gguf", "https://h/x.bin"])
    assert.throws(() => pullUrl(bad, "x"), { code: "engine/bad-pull-address" });
});

test("a model is fetched through a redirect, with its hash", async () => {
  const path = join(directory, "a.gguf");
  assert.deepEqual(await pullModel({ url: `${base}/moved.gguf`, path, sha256: SHA256, progress }, signal), {
    bytes: CONTENT.length,
    sha256: SHA256,
  });
  assert.deepEqual(readFileSync(path), CONTENT);
});

test("a download that breaks off is an error that says so, and leaves no model", async () => {
  const path = join(directory, "cut.gguf");
  await assert.rejects(pullModel({ url: `${base}/cut.gguf`, path, progress }, signal), {
    code: "engine/pull-failed",
    exitCode: 3,
  });
  assert.equal(existsSync(path), false);
});

test("what an earlier try left is gone on with, not fetched anew", async () => {
  const path = join(directory, "b.gguf");
  writeFileSync(`${path}.part`, CONTENT.subarray(0, 1000));
  await pullModel({ url: `${base}/model.gguf`, path, sha256: SHA256, progress }, signal);
  assert.equal(requests.at(-1)?.range, "bytes=1000-");
});

test("a wrong hash, a page in place of a model and a missing file leave nothing under the model's name", async () => {
  const path = join(directory, "c.gguf");
  await assert.rejects(pullModel({ url: `${base}/model.gguf`, path, sha256: "0".repeat(64), progress }, signal), {
    code: "engine/pull-wrong-hash",
  });
  await assert.rejects(pullModel({ url: `${base}/page.gguf`, path, progress }, signal), {
    code: "engine/model-broken",
  });
  await assert.rejects(pullModel({ url: `${base}/none.gguf`, path, progress }, signal), /404/);
  assert.equal(existsSync(path), false);
});

test("the token goes to the server it is meant for", async () => {
  await pullModel({ url: `${base}/model.gguf`, path: join(directory, "d.gguf"), progress, token: "secret" }, signal);
  assert.equal(requests.at(-1)?.authorization, "Bearer secret");
});
