import assert from "node:assert/strict";
import { once } from "node:events";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, test } from "node:test";
import { newSnippets } from "./new-snippets.ts";
import { type DocsServerDeps, openDocsServer } from "./open-docs-server.ts";

const call = { signal: new AbortController().signal, idempotencyKey: "k" };
let base = "";
let root = "";
let server: Server;
let url = "";
let asked: { readonly url: string | undefined; readonly key: string | undefined }[] = [];
let answer: (response: ServerResponse, request: IncomingMessage) => unknown;

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "atos-docs-test-"));
  root = join(base, "workspace");
  mkdirSync(root);
  asked = [];
  answer = (response) => response.end("{}");
  server = createServer((request, response) => {
    asked.push({ url: request.url, key: request.headers.authorization });
    answer(response, request);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  url = `http://127.0.0.1:${address.port}/api/`;
});
afterEach(() => {
  server.close().closeAllConnections();
  rmSync(base, { recursive: true, force: true });
});

function write(files: Readonly<Record<string, string>>) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

async function use(name: string, input: Record<string, unknown>, context7?: DocsServerDeps["context7"]) {
  const tools = openDocsServer({ root, ...(context7 && { context7 }) }).tools;
  const tool = tools.find((found) => found.name === name);
  assert.ok(tool !== undefined);
  const result = await tool.run(tool.input.parse(input), call);
  if (result.ok) tool.output.parse(result.output);
  return result;
}

test("finds the passage that says it, with its place", async () => {
  write({
    "README.md": "# Clock\n\nTells the time.\n\n## Tests\n\nRun them with `make check`.\n",
    "docs/notes.txt": "The clock is set by hand.",
    "node_modules/x/README.md": "Run tests with x.",
    "src/main.py": "# tests",
  });
  assert.deepEqual(await use("search_docs", { query: "how do I run the tests?" }), {
    ok: true,
    output: {
      results: [
        {
          path: "README.md",
          line: 7,
          heading: "Clock > Tests",
          excerpt: "Run them with `make check`.",
          covered: 1,
        },
      ],
    },
    text: "README.md:7 Clock > Tests\nRun them with `make check`.",
  });
  const plain = await use("search_docs", { query: "set by hand" });
  assert.ok(plain.ok && plain.text?.startsWith("docs/notes.txt:1 "));
});

test("reads nothing outside the workspace, nor what belongs to git and ATOS", async () => {
  writeFileSync(join(base, "outside.md"), "the outside word");
  write({ ".git/notes.md": "the outside word", ".atos/notes.md": "the outside word" });
  symlinkSync(join(base, "outside.md"), join(root, "link.md"));
  symlinkSync(base, join(root, "folder"));
  linkSync(join(base, "outside.md"), join(root, "hard.md"));
  const result = await use("search_docs", { query: "outside word" });
  assert.deepEqual(result, { ok: true, output: { results: [] }, text: "No document has these words." });
});

test("asks the documentation server when local documents do not know, with the key in the header alone", async () => {
  write({ "README.md": "A clock." });
  const code = "app.post('/', async (request) => request.body)";
  answer = (response) =>
    response.end(
      JSON.stringify({
        codeSnippets: [
          {
            codeTitle: "Read a body",
            codeDescription: "Shown.",
            codeList: [{ language: "js", code }],
            libraryId: "/f",
          },
          { codeTitle: "Again", codeDescription: "Shown.", codeList: [{ code }] },
        ],
        infoSnippets: [{ breadcrumb: "Docs > Body", content: `long\u001b[31m ${"word ".repeat(100)}`, pageId: "x" }],
      }),
    );
  const result = await use("call_context7", { query: "read body", library: "fastify" }, { url, apiKey: "ctx-1" });
  assert.ok(result.ok);
  assert.equal(result.output["source"], "context7");
  assert.deepEqual(result.output["results"], [
    { title: "Read a body", excerpt: `${code} — Shown.` },
    { title: "Docs > Body", excerpt: `long [31m ${"word ".repeat(49)}…` },
  ]);
  assert.deepEqual(asked, [{ url: "/api/v3/search?query=read+body&library=fastify&type=json", key: "Bearer ctx-1" }]);
});

test("local documents that answer are the answer, and nobody is asked", async () => {
  write({ "docs/http.md": "# Fastify\n\nRead the body from request.body.\n" });
  const result = await use("call_context7", { query: "read body", library: "fastify" }, { url });
  assert.deepEqual(result, {
    ok: true,
    output: {
      source: "local",
      results: [{ title: "docs/http.md:3", excerpt: "Read the body from request.body." }],
    },
    text: "Local documents say:\n- docs/http.md:3: Read the body from request.body.",
  });
  assert.deepEqual(asked, []);
});

test("what local documents say already is not said again", () => {
  const snippet = (text: string) => ({ title: "", text });
  const known = ["The body is read with request body after parsing the stream."];
  const fresh = [snippet("Send a reply with reply.send and a status code."), snippet("Yes.")];
  const same = snippet("the Body is read, with request.body, after parsing the stream");
  assert.deepEqual(newSnippets([same, ...fresh, ...fresh, snippet("…")], known, 5), fresh);
  assert.equal(newSnippets(fresh, [], 1).length, 1);
});

test("a server that fails, refuses or talks of other things is an observation", async () => {
  const why = async (context7?: DocsServerDeps["context7"]) => {
    const result = await use("call_context7", { query: "anything" }, context7);
    return result.ok ? (result.text ?? "") : result.why;
  };
  assert.match(await why(), /CONTEXT7_URL must name one/);
  const statuses: [number, RegExp][] = [
    [404, /knows nothing new/],
    [401, /answered 401: CONTEXT7_API_KEY is missing or wrong/],
    [429, /too many requests/],
    [500, /answered 500\. Go on without it/],
  ];
  for (const [status, told] of statuses) {
    answer = (response) => response.writeHead(status).end("no");
    assert.match(await why({ url, apiKey: "ctx-1" }), told);
  }
  answer = (response) => response.end("<html>");
  assert.match(await why({ url }), /no list of snippets/);
  answer = (response) => response.destroy();
  const cut = await why({ url, apiKey: "ctx-1" });
  assert.ok(/connection to .* failed/.test(cut) && !cut.includes("ctx-1"), cut);
});

/** Answers as Context7's server does, over MCP. */
function answerMcp(say: (tool: string, args: unknown) => string) {
  answer = async (response, request) => {
    if (request.method !== "POST") return response.writeHead(405).end();
    const { id, method, params } = JSON.parse(await text(request));
    if (id === undefined) return response.writeHead(202).end();
    const reply = (body: object) =>
      response.setHeader("content-type", "application/json").end(JSON.stringify({ jsonrpc: "2.0", id, ...body }));
    if (method === "initialize") {
      const serverInfo = { name: "documents", version: "1" };
      return reply({ result: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo } });
    }
    if (method !== "tools/call") return reply({ error: { code: -32601, message: "no such method" } });
    const said = say(params.name, params.arguments);
    return reply({ result: { content: [{ type: "text", text: said }], isError: said.startsWith("Error") } });
  };
}

test("a documentation server that speaks MCP is asked by its two tools", async () => {
  const calls: unknown[] = [];
  const rule = "-".repeat(32);
  answerMcp((tool, args) => {
    calls.push([tool, args]);
    if (tool === "resolve-library-id")
      return "Found:\n- Title: Fastify\n- Context7-compatible library ID: /fastify/fastify\n- Description: x";
    return `### Read a body\n\nSource: https://x.test\n\n\`\`\`js\nrequest.body\n\`\`\`\n\n${rule}\n\n### Long\n\n${"word ".repeat(99)}`;
  });
  const context7 = { url: new URL("mcp", url).href, apiKey: "ctx-1" };
  const result = await use("call_context7", { query: "read body", library: "fastify" }, context7);
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.output["results"], [
    { title: "Read a body", excerpt: "request.body" },
    { title: "Long", excerpt: `${"word ".repeat(51)}…` },
  ]);
  assert.deepEqual(calls, [
    ["resolve-library-id", { query: "read body", libraryName: "fastify" }],
    ["query-docs", { query: "read body", libraryId: "/fastify/fastify" }],
  ]);
  assert.ok(asked.every(({ key }) => key === "Bearer ctx-1"));
});

test("a documentation server that fails over MCP is an observation too", async () => {
  const context7 = { url: new URL("mcp", url).href, apiKey: "ctx-1" };
  const why = async () => {
    const result = await use("call_context7", { query: "anything" }, context7);
    return result.ok ? (result.text ?? "") : result.why;
  };
  answerMcp(() => "No libraries found.");
  assert.match(await why(), /knows nothing new/);
  answerMcp(() => "Error: too many requests with ctx-1");
  assert.match(await why(), /can't be asked: it said: Error: too many requests with …\./);
  answer = (response) => response.writeHead(500).end("no");
  assert.match(await why(), /can't be asked/);
});
