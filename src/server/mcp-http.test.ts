import assert from "node:assert/strict";
import { request } from "node:http";
import { type TestContext, test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { McpServer } from "@modelcontextprotocol/server";
import { isLoopback, type McpHttp, openMcpHttp } from "./mcp-http.ts";

const TOKEN = "a-token-made-up-for-this-test";
const AUTHORIZED = { Authorization: `Bearer ${TOKEN}` };
const LIST = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });

test("peers of both revisions are served to whoever has the token", async (t) => {
  const { url } = await open(t);
  for (const mode of ["auto", "legacy"] as const) {
    const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: AUTHORIZED } }));
    const { tools } = await client.listTools();
    assert.deepEqual(
      [client.getProtocolEra(), tools.map(({ name }) => name)],
      [mode === "auto" ? "modern" : "legacy", ["hello"]],
    );
    await client.close();
  }
});

test("without the token there is nothing, and no hint whether it was close", async (t) => {
  const { url } = await open(t);
  for (const headers of [
    {},
    { Authorization: "Bearer " },
    { Authorization: `Bearer ${TOKEN.slice(0, -1)}` },
    { Authorization: TOKEN },
  ]) {
    const answer = await post(url, headers);
    assert.deepEqual(
      [answer.status, answer.body],
      [401, '{"error":"the token is missing or wrong; atos mcp printed it when it started"}'],
    );
  }
});

test("a page of another site, or a name made to point here, gets nothing even with the token", async (t) => {
  const { url } = await open(t);
  assert.equal((await post(url, { ...AUTHORIZED, Origin: "https://evil.example" })).status, 403);
  assert.equal((await post(url, { ...AUTHORIZED, Host: "evil.example" })).status, 403);
  assert.equal((await post(url, { ...AUTHORIZED, Origin: "http://localhost:3000" })).status, 200);
});

test("there is one path, and a body has a limit", async (t) => {
  const { url } = await open(t);
  assert.equal((await post(url.replace("/mcp", "/other"), AUTHORIZED)).status, 404);
  assert.equal((await post(url, AUTHORIZED, " ".repeat(13 * 1024 * 1024))).status, 413);
});

test("a port that is taken is an error that says what to do", async (t) => {
  const { url } = await open(t);
  await assert.rejects(openMcpHttp(server, { host: "127.0.0.1", port: Number(new URL(url).port), token: TOKEN }), {
    code: "server/mcp-cannot-listen",
  });
});

test("it ends although a request is open", async (t) => {
  const http = await open(t);
  const unfinished = request(http.url, {
    method: "POST",
    headers: { ...AUTHORIZED, "Content-Type": "application/json" },
  });
  const ended = new Promise((resolve) => unfinished.once("error", resolve));
  unfinished.write("{");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await http[Symbol.asyncDispose]();
  await ended;
});

test("only what this machine alone can reach is loopback", () => {
  assert.deepEqual(
    ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"].map(isLoopback),
    Array(6).fill(true),
  );
  assert.deepEqual(
    ["0.0.0.0", "::", "192.168.0.2", "example.com", "127.0.0.1.example.com", ""].map(isLoopback),
    Array(6).fill(false),
  );
});

function server(): McpServer {
  const mcp = new McpServer({ name: "test", version: "1" });
  mcp.registerTool("hello", { description: "Says hello." }, async () => ({
    content: [{ type: "text", text: "hello" }],
  }));
  return mcp;
}

async function open(t: TestContext): Promise<McpHttp> {
  const http = await openMcpHttp(server, { host: "127.0.0.1", port: 0, token: TOKEN });
  t.after(() => http[Symbol.asyncDispose]());
  return http;
}

type Answer = { readonly status: number | undefined; readonly body: string };

/** `fetch` would not send every Host. */
function post(url: string, headers: Readonly<Record<string, string>>, body = LIST): Promise<Answer> {
  const accept = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers: { ...accept, ...headers } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode, body: text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
