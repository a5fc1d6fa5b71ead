import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { MAX_DOWNLOAD_BYTES } from "./download.ts";
import { sniffType, typeProblem } from "./file-type.ts";
import { openWebServer, type WebServerDeps } from "./open-web-server.ts";

const call = { signal: new AbortController().signal, idempotencyKey: "k" };
const servers: Server[] = [];
let root = "";
let waits: number[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "atos-web-test-"));
  waits = [];
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
  rmSync(root, { recursive: true, force: true });
});

async function http(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

async function use(name: string, input: Record<string, unknown>, deps: Partial<WebServerDeps> = {}) {
  const server = openWebServer({
    reach: { allowPrivate: ["127.0.0.1"] },
    root,
    sleep: async (ms) => {
      waits.push(ms);
    },
    ...deps,
  });
  const tool = server.tools.find((found) => found.name === name);
  assert.ok(tool !== undefined);
  const result = await tool.run(tool.input.parse(input), call);
  if (result.ok) tool.output.parse(result.output);
  return result;
}
const download = (url: string, path = "file.txt", deps: Partial<WebServerDeps> = {}) =>
  use("download_file", { url, path }, deps);
const problem = async (...args: Parameters<typeof download>) => {
  const result = await download(...args);
  return result.ok ? "saved" : result.why;
};

test("saves a file and says what it got", async () => {
  const base = await http((_, response) => response.setHeader("content-type", "text/csv; x=y").end("a,b\n"));
  const result = await download(`${base}/data.csv`, "data.csv");
  assert.deepEqual(result, {
    ok: true,
    output: {
      path: "data.csv",
      bytes: 4,
      sha256: "5be08c9684a1d25efcee09318204824278b08bbfb4aef973ffefd0b9d7478313",
      type: "text/csv",
      url: `${base}/data.csv`,
      attempts: 1,
    },
    text: "Saved 4 bytes (text/csv) in data.csv.",
  });
  assert.equal(readFileSync(join(root, "data.csv"), "utf8"), "a,b\n");
  assert.equal(statSync(join(root, "data.csv")).mode & 0o111, 0);
});

test("follows five redirects, checks every hop, and gives up at the sixth", async () => {
  const base = await http((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end("there");
    else response.writeHead(302, { location: `/${left - 1}` }).end();
  });
  const result = await download(`${base}/5`);
  assert.ok(result.ok && result.output["url"] === `${base}/0`);
  assert.match(await problem(`${base}/6`), /redirects more than 5 times/);
});

test("a redirect to a private address, to plain HTTP or to a file is not followed", async () => {
  const goals = [
    "https://169.254.169.254/",
    "https://[::1]/",
    "http://example.com/",
    "file:///etc/passwd",
    "http://a b",
  ];
  const seen: string[] = [];
  const base = await http((request, response) => {
    seen.push(request.url ?? "");
    response.writeHead(307, { location: goals[Number(request.url?.slice(1))] ?? "" }).end();
  });
  const problems = [];
  for (const index of goals.keys()) problems.push(await problem(`${base}/${index}`));
  assert.deepEqual(problems, [
    "Nothing was downloaded: 169.254.169.254 is 169.254.169.254, which is no public address.",
    "Nothing was downloaded: [::1] is ::1, which is no public address.",
    "Nothing was downloaded: only https:// addresses can be reached, not http://.",
    "Nothing was downloaded: only https:// addresses can be reached, not file://.",
    `Nothing was downloaded: ${base.slice(7)} redirects to no address.`,
  ]);
  assert.deepEqual(seen, ["/0", "/1", "/2", "/3", "/4"]);
  assert.deepEqual(readdirSync(root), []);
});

test("a redirect to a name that resolves into the private network is not followed", async () => {
  const base = await http((_, response) => response.writeHead(302, { location: "https://inside.test/" }).end());
  const reach = { allowPrivate: ["127.0.0.1"], resolve: async () => ["192.168.1.4"] };
  assert.match(await problem(base, "a", { reach }), /inside\.test is 192\.168\.1\.4, which is no public address/);
});

test("tries again what passes, three times, waiting longer or as long as asked, and counts", async () => {
  let count = 0;
  const base = await http((request, response) => {
    count += 1;
    if (request.url === "/always") response.writeHead(503).end();
    else if (count === 1) response.writeHead(429, { "retry-after": "2" }).end();
    else if (count === 2) request.socket.destroy();
    else response.end("at last");
  });
  const result = await download(base);
  assert.ok(result.ok && result.output["attempts"] === 3);
  assert.deepEqual(waits.splice(0), [2000, 1000]);
  assert.match(await problem(`${base}/always`), /answered 503, after 4 attempts/);
  assert.deepEqual(waits, [500, 1000, 2000]);
});

test("does not try again what will not change, nor wait for hours", async () => {
  const base = await http((request, response) => {
    if (request.url === "/gone") response.writeHead(404).end();
    else response.writeHead(503, { "retry-after": "7200" }).end();
  });
  assert.match(await problem(`${base}/gone`), /answered 404\.$/);
  assert.match(await problem(`${base}/later`), /answered 503\.$/);
  assert.deepEqual(waits, []);
});

test("more than 5 MB is not kept, packed small or not", async () => {
  const big = Buffer.alloc(MAX_DOWNLOAD_BYTES + 1, "a");
  const base = await http((request, response) => {
    if (request.url === "/packed") response.setHeader("content-encoding", "gzip").end(gzipSync(big));
    else response.end(big.subarray(0, request.url === "/most" ? MAX_DOWNLOAD_BYTES : big.length));
  });
  assert.match(await problem(`${base}/plain`), /larger than 5 MB/);
  assert.match(await problem(`${base}/packed`), /larger than 5 MB/);
  assert.equal(await problem(`${base}/most`), "saved");
});

test("programs, and files that are something else than they are called, are not kept", () => {
  const png = Buffer.from("89504e470d0a1a0a00", "hex");
  const windows = Buffer.alloc(256);
  windows.write("MZ");
  windows.writeUInt32LE(128, 0x3c);
  windows.write("PE\0\0", 128);
  const page = Buffer.from("\ufeff <!DOCTYPE html><p>Log in");
  assert.deepEqual(
    [
      typeProblem(Buffer.from("7f454c46020101", "hex"), "text/plain", "notes.txt"),
      typeProblem(windows, undefined, "a.bin"),
      typeProblem(page, "text/html", "logo.png"),
      typeProblem(Buffer.from("plain"), "application/pdf", "paper"),
      typeProblem(png, "text/plain; charset=utf-8", "logo.png"),
      typeProblem(page, "text/html", "page.html"),
      typeProblem(page, "text/html", "data.csv"),
      typeProblem(Buffer.from("<!-- a --><!-- b -->\n<html>"), undefined, "data"),
      typeProblem(Buffer.from(`MZ is the mark of programs; ${"a text".repeat(20)}`), undefined, "notes.txt"),
      typeProblem(Buffer.from("a,b"), "text/csv", "data.constructor"),
      typeProblem(Buffer.from("#!/bin/sh\n"), undefined, "run.sh"),
      typeProblem(Buffer.alloc(0), undefined, "empty"),
    ],
    [
      "it is a program for Linux, and programs are not downloaded; use install_package for software",
      "it is a program for Windows, and programs are not downloaded; use install_package for software",
      "it is text/html, not image/png: the server answered with a web page; look for the file's own address",
      "it is something else, not application/pdf",
      undefined,
      undefined,
      "it is a web page; look for the file's own address, or name it .html if the page is what you want",
      "it is a web page; look for the file's own address, or name it .html if the page is what you want",
      undefined,
      undefined,
      undefined,
      undefined,
    ],
  );
  assert.equal(sniffType(png), "image/png");
});

test("an answer in a coding that nobody knows is told", async () => {
  const base = await http((_, response) => response.setHeader("content-encoding", "constructor").end("x"));
  assert.match(await problem(base), /answers in the coding constructor/);
});

test("what the workspace refuses is told, and what is no address too", async () => {
  const base = await http((_, response) => response.end("x"));
  assert.match(await problem(base, "/etc/x"), /"\/etc\/x" can't be used: the path is absolute/);
  assert.match(await problem(base, ".git/hooks/post-commit"), /belongs to git or ATOS/);
  assert.match(await problem("data.csv"), /"data\.csv" is no full https:\/\/ address/);
  assert.match(await problem("https://u:p@example.com/"), /user name or password/);
});

test("searches by SearXNG, cleans what it says, and asks other sites by name", async () => {
  const asked: string[] = [];
  const base = await http((request, response) => {
    asked.push(request.url ?? "");
    const results = [
      { title: "A\u001b[31m title", url: "https://stackoverflow.com/q/1", content: `x\n${"y".repeat(999)}` },
      { title: "again", url: "https://stackoverflow.com/q/1" },
      { title: "script", url: "javascript:alert(1)" },
      { title: "issue", url: "https://github.com/a/b/issues/1", content: null },
    ];
    response.end(JSON.stringify({ query: "x", results }));
  });
  const search = (source: string) => use("search_web", { query: "why so", source }, { searchUrl: `${base}/sx/` });
  const issue = { title: "issue", url: "https://github.com/a/b/issues/1", excerpt: "" };
  const answer = { title: "A [31m title", url: "https://stackoverflow.com/q/1", excerpt: `x ${"y".repeat(297)}…` };
  const [web, github] = [await search("web"), await search("github")];
  assert.ok(web.ok && github.ok);
  assert.deepEqual(web.output, { results: [answer, issue] });
  assert.deepEqual(github.output, { results: [issue] });
  assert.deepEqual(asked, [
    "/sx/search?q=why+so&format=json",
    "/sx/search?q=site%3Agithub.com+issues+why+so&format=json",
  ]);
});

test("any server that answers with such a list will do", async () => {
  const base = await http((request, response) =>
    response.end(JSON.stringify({ results: [{ title: request.url, url: "https://a.test/", snippet: "s" }] })),
  );
  const result = await use("search_web", { query: "a b&c" }, { searchUrl: `${base}/find?words={query}` });
  assert.ok(result.ok);
  assert.deepEqual(result.output["results"], [
    { title: "/find?words=a%20b%26c", url: "https://a.test/", excerpt: "s" },
  ]);
  assert.equal(result.text, "1. /find?words=a%20b%26c\nhttps://a.test/\ns");
});

test("no search server, one that refuses, and one that talks of other things are told", async () => {
  const base = await http((request, response) => {
    if (request.url?.startsWith("/no")) response.writeHead(403).end();
    else response.end("<html>");
  });
  const why = async (searchUrl?: string) => {
    const result = await use("search_web", { query: "x" }, searchUrl === undefined ? {} : { searchUrl });
    return result.ok ? "found" : result.why;
  };
  assert.match(await why(), /SEARXNG_URL must name one/);
  assert.match(await why(`${base}/no`), /refused \(403\); .*settings\.yml must list json/);
  assert.match(await why(base), /is no list of results \(status 200\)/);
});
