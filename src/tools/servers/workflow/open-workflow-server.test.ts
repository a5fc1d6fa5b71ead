import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { openWorkflowServer } from "./open-workflow-server.ts";
import type { Webhook } from "./webhook.ts";
import { lookUp } from "./webhooks.ts";

const signal = new AbortController().signal;
const now = () => new Date(1_000_000);
const sleep = async () => {};
const hook = { idempotent: false, timeoutMs: 5000 };

type Seen = { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string };
let folder = "";
let server: Server;
let base = "";
let seen: Seen[] = [];
let answer: (response: ServerResponse, request: Seen) => unknown = (response) => response.end("{}");

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atos-workflow-test-"));
  seen = [];
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      const one = { url: `${request.method} ${request.url}`, headers: request.headers, body };
      seen.push(one);
      answer(response, one);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  base = `http://127.0.0.1:${address.port}`;
});
afterEach(() => {
  server.close().closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

async function call(webhooks: Record<string, Webhook>, name: string, payload: Record<string, unknown> = {}) {
  const tool = openWorkflowServer({ webhooks, now, sleep }).tools[0];
  assert.ok(tool !== undefined);
  const result = await tool.run(tool.input.parse({ name, payload }), { signal, idempotencyKey: "build-1/7" });
  if (result.ok) tool.output.parse(result.output);
  return result;
}
const why = async (...args: Parameters<typeof call>) => {
  const result = await call(...args);
  return result.ok ? "answered" : result.why;
};

test("posts the payload under the call's key, signed, and hands back the answer", async () => {
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, "s3cret\n");
  answer = (response) => response.end('{"started":true}');
  const result = await call({ notify: { ...hook, url: `${base}/webhook/abc`, secretFile } }, "notify", {
    message: "hi",
  });
  assert.deepEqual(result, {
    ok: true,
    output: { status: 200, body: '{"started":true}', truncated: false, attempts: 1 },
    text: 'The workflow notify answered 200: {"started":true}',
  });
  const signature = createHmac("sha256", "s3cret").update('1000.build-1/7.{"message":"hi"}').digest("hex");
  assert.deepEqual(
    seen.map(({ url, body, headers }) => ({
      url,
      body,
      key: headers["idempotency-key"],
      type: headers["content-type"],
      at: headers["x-atos-timestamp"],
      signature: headers["x-atos-signature"],
    })),
    [
      {
        url: "POST /webhook/abc",
        body: '{"message":"hi"}',
        key: "build-1/7",
        type: "application/json",
        at: "1000",
        signature: `sha256=${signature}`,
      },
    ],
  );
});

test("without a secret nothing is signed", async () => {
  await call({ open: { ...hook, url: base } }, "open");
  assert.equal(seen[0]?.headers["x-atos-signature"], undefined);
});

test("an idempotent webhook is asked again under the same key, any other once", async () => {
  answer = (response) => (seen.length < 3 ? response.writeHead(503).end() : response.end("done"));
  const again = await call({ safe: { ...hook, url: base, idempotent: true } }, "safe");
  assert.ok(again.ok && again.output["attempts"] === 3);
  assert.deepEqual([...new Set(seen.map(({ headers }) => headers["idempotency-key"]))], ["build-1/7"]);
  seen = [];
  assert.equal(await why({ once: { ...hook, url: base } }, "once"), "The workflow once answered 503: ");
  assert.equal(seen.length, 1);
});

test("only names are known, none of them by accident, and addresses stay with the person", async () => {
  const webhooks = { notify: { ...hook, url: `${base}/very-secret-path` } };
  for (const name of ["constructor", "__proto__", "http://evil.test/", "Notify"]) {
    const told = `There is no workflow named ${JSON.stringify(name)}. Use one of: notify.`;
    assert.equal(await why(webhooks, name), told);
  }
  assert.match(await why({}, "notify"), /None is configured; go on without\.$/);
  server.close().closeAllConnections();
  await once(server, "close");
  const told = await why(webhooks, "notify");
  assert.match(told, /^The workflow notify did not answer: the connection to its server failed \(.*\)\.$/);
  assert.ok(!told.includes("secret-path") && !told.includes("127.0.0.1"), told);
});

test("a call that was cut off after it was sent is told as such", async () => {
  answer = (response) => response.destroy();
  assert.match(
    await why({ a: { ...hook, url: base } }, "a"),
    /whether it was received is not known, so do not call it/,
  );
});

test("huge payloads are not sent, huge answers are cut, redirects not followed", async () => {
  assert.match(await why({ a: { ...hook, url: base } }, "a", { text: "x".repeat(70_000) }), /70011 characters; 65536/);
  assert.deepEqual(seen, []);
  answer = (response, { url }) => {
    if (url === "POST /moved") response.writeHead(307, { location: `${base}/elsewhere` }).end();
    else response.end("y".repeat(200_000));
  };
  const big = await call({ a: { ...hook, url: base } }, "a");
  assert.ok(big.ok && big.output["truncated"] === true && String(big.output["body"]).length === 65536);
  assert.ok((big.text ?? "").length < 2100);
  assert.match(await why({ a: { ...hook, url: `${base}/moved` } }, "a"), /answered 307/);
  assert.equal(seen.length, 2);
});

test("a secret that can't be read stops the call, and the message holds no secret", async () => {
  const secretFile = join(folder, "none");
  const code = "tools/webhook-secret";
  await assert.rejects(call({ a: { ...hook, url: base, secretFile } }, "a"), { code });
  writeFileSync(secretFile, " \n");
  await assert.rejects(call({ a: { ...hook, url: base, secretFile } }, "a"), { code });
  assert.deepEqual(seen, []);
});

test("after a cut: repeated if idempotent, looked up if there is where to, unknown else", async () => {
  const states: Record<string, number> = { done: 200, never: 404, odd: 500 };
  answer = (response, { url }) => {
    const key = new URL(url.slice(4), base).searchParams.get("key") ?? "";
    response.writeHead(states[key] ?? 500).end(`state of ${key}`);
  };
  const webhooks: Record<string, Webhook> = {
    safe: { ...hook, url: base, idempotent: true },
    asked: { ...hook, url: base, lookupUrl: `${base}/state?of=atos` },
    blind: { ...hook, url: base },
  };
  const ask = (name: string, key: string) => lookUp({ webhooks, now, sleep }, { name, key }, signal);
  assert.deepEqual(await ask("safe", "x"), { kind: "repeat" });
  assert.deepEqual(await ask("blind", "x"), { kind: "unknown", why: "blind has no lookup_url to ask" });
  assert.deepEqual(await ask("gone", "x"), { kind: "unknown", why: "no webhook is named gone any more" });
  assert.deepEqual(await ask("asked", "done"), { kind: "done", status: 200, body: "state of done" });
  assert.equal(seen[0]?.url, "GET /state?of=atos&key=done");
  assert.deepEqual(await ask("asked", "never"), { kind: "not-done" });
  assert.deepEqual(await ask("asked", "odd"), {
    kind: "unknown",
    why: "asked answered 500 when asked for the call",
  });
});
