import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { test } from "node:test";
import { notifyApproval, webhookProblem } from "./notify-approval.ts";

const notice = {
  approval: "abcdefgh",
  build: "b",
  task: "code",
  tool: "run_command",
  shown: { command: "git push" },
  expiresAt: new Date("2026-01-01T00:00:00.000Z"),
};
const now = () => new Date("2026-01-01T00:00:01.500Z");
const signal = AbortSignal.timeout(10_000);

type Got = { readonly headers: IncomingHttpHeaders; readonly body: string; readonly url: string | undefined };

async function listen(status: number, headers: Readonly<Record<string, string>> = {}) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      got.push({ headers: request.headers, body, url: request.url });
      response.writeHead(status, headers).end("x");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    got,
    url: `http://127.0.0.1:${port}/hook`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("a question is posted with a signature over its time, id and body", async () => {
  await using server = await listen(204);
  const key = ["not", "a", "secret"].join("-");
  assert.deepEqual(await notifyApproval({ url: server.url, secret: key, now }, notice, signal), { ok: true });
  const { headers, body } = server.got[0] ?? assert.fail("nothing came");
  assert.deepEqual(JSON.parse(body), { type: "approval-asked", ...notice, expiresAt: "2026-01-01T00:00:00.000Z" });
  assert.equal(headers["x-atos-timestamp"], "1767225601");
  assert.equal(
    headers["x-atos-signature"],
    `sha256=${createHmac("sha256", key).update(`1767225601.${notice.approval}.${body}`).digest("hex")}`,
  );
  await notifyApproval({ url: server.url, now }, notice, signal);
  assert.equal(server.got[1]?.headers["x-atos-signature"], undefined);
});

test("a notice that fails is a result: refused, redirected, nobody there", async () => {
  await using refusing = await listen(503);
  assert.deepEqual(await notifyApproval({ url: refusing.url, now }, notice, signal), {
    ok: false,
    why: "the webhook answered 503",
  });
  await using other = await listen(200);
  await using redirecting = await listen(307, { location: other.url });
  assert.equal((await notifyApproval({ url: redirecting.url, now }, notice, signal)).ok, false);
  assert.deepEqual(other.got, []);
  const { url } = await (async () => {
    await using gone = await listen(200);
    return gone;
  })();
  assert.equal((await notifyApproval({ url, now }, notice, signal)).ok, false);
});

test("a question crosses no network in the clear", async () => {
  const urls = [
    "https://h/x",
    "http://127.0.0.1:1/x",
    "http://[::1]/x",
    "http://localhost/x",
    "http://h/x",
    "http://127.0.0.1.h/x",
    "ftp://h",
    "https://a:b@h/",
    "x",
  ];
  assert.deepEqual(
    urls.filter((url) => webhookProblem(url) === undefined),
    urls.slice(0, 4),
  );
  assert.deepEqual(await notifyApproval({ url: "http://h/x", now }, notice, signal), {
    ok: false,
    why: "it must begin with https://, or be on this machine",
  });
});

test("an aborted notice rejects with the signal's reason", async () => {
  await using server = await listen(200);
  await assert.rejects(
    notifyApproval({ url: server.url, now }, notice, AbortSignal.abort(new Error("paused"))),
    /paused/,
  );
});
