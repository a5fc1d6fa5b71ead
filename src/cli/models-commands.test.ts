import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { Installation } from "../../test/fixtures/atos.ts";
import { writeRandomGguf } from "../../test/fixtures/make-gguf.ts";

/* The commands as a person gives them, against a hub on this machine that has a real, tiny model. */
const QWEN = "/unsloth/Qwen3.5-4B-GGUF/resolve/main/Qwen3.5-4B-Q4_K_M.gguf";
const PINNED = "/Qwen/Qwen2.5-Coder-3B-Instruct-GGUF/resolve/";
const directory = mkdtempSync(join(tmpdir(), "atos-models-"));
let content: Buffer;
let sha256 = "";
let hub = "";
let server: Server;
let requests: {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}[] = [];
/** An answer of which only a part has been sent. */
let hanging: ServerResponse | undefined;

before(async () => {
  const file = join(directory, "tiny.gguf");
  writeRandomGguf(file, { contextTokens: 2048 });
  content = readFileSync(file);
  sha256 = createHash("sha256").update(content).digest("hex");
  server = createServer((request, response) => {
    const { range, authorization } = request.headers;
    const path = request.url ?? "";
    requests.push({ path, range, authorization });
    if (path.startsWith(PINNED)) return void response.writeHead(200, { "x-linked-size": 5 }).end("GGUF!");
    if (!path.startsWith("/unsloth") && !path.startsWith("/me/")) return void response.writeHead(404).end();
    const from = Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      "x-linked-etag": `"${sha256}"`,
      "x-linked-size": content.length,
      "content-length": content.length - from,
      "content-range": `bytes ${from}-${content.length - 1}/${content.length}`,
    });
    if (!path.includes("hangs") || from > 0) return void response.end(content.subarray(from));
    response.write(content.subarray(0, 1000));
    hanging = response;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  hub = `http://127.0.0.1:${address.port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  requests = [];
  hanging = undefined;
});

const open = (): Installation => new Installation({ HF_ENDPOINT: hub, HF_TOKEN: "secret" });

test("a model of the catalog is fetched by its name, shown with what its file says, listed and removed", async () => {
  await using atos = open();
  const pulled = await atos.json("models", "pull", "qwen3.5-4b");
  const path = join(atos.home, "models", "qwen3.5-4b-Q4_K_M.gguf");
  assert.deepEqual(pulled.lines, [
    { name: "qwen3.5-4b-Q4_K_M", path, bytes: content.length, sha256, fetched: true, resumedFrom: 0 },
  ]);
  assert.match(pulled.stderr, /fetching qwen3\.5-4b-Q4_K_M from 127\.0\.0\.1:\d+: 2\.6 GiB; licence Apache-2\.0/);
  assert.deepEqual(requests, [{ path: QWEN, range: undefined, authorization: "Bearer secret" }]);

  const shown = await atos.run("models", "show", "qwen3.5-4b");
  assert.match(shown.stdout, /^name +qwen3\.5-4b-Q4_K_M: Qwen3\.5 4B$/m);
  assert.match(shown.stdout, new RegExp(`^sha256 +${sha256}$`, "m"));
  assert.match(shown.stdout, /^quantisation +F16$/m);
  assert.match(shown.stdout, /for 2048 tokens with a q8_0 cache/);

  const again = await atos.json("models", "pull", "qwen3.5-4b");
  assert.equal(again.lines[0]?.["fetched"], false);
  assert.equal(requests.length, 1);

  const listed = await atos.run("models", "list");
  assert.deepEqual(names(listed.stdout), ["nano", "qwen3.5-4b-Q4_K_M"]);
  assert.deepEqual((await atos.json("models", "rm", "qwen3.5-4b", "--yes")).lines, [
    { name: "qwen3.5-4b-Q4_K_M", removed: true, bytes: content.length },
  ]);
  assert.deepEqual(names((await atos.run("models", "list")).stdout), ["nano"]);
  assert.deepEqual(
    readdirSync(join(atos.home, "models")).filter((file) => !file.endsWith(".lock")),
    [],
  );
});

test("an hf: address is fetched under a name of one's own, and nothing else may take that name", async () => {
  await using atos = open();
  const pulled = await atos.run("models", "pull", "hf:me/repo/some.gguf", "--name", "mine", "--sha256", sha256);
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.match(pulled.stdout, /Use it: atos build "…" --out DIR --model mine/);
  const other = await atos.json("models", "pull", "hf:me/repo/other.gguf", "--name", "mine");
  assert.equal(other.code, 2);
  assert.equal(other.lines[0]?.["code"], "cli/model-exists");
});

test("Ctrl-C keeps what has come and exits with 130; the same command goes on", async () => {
  await using atos = open();
  const child = atos.start(["models", "pull", "hf:me/repo/hangs.gguf"]);
  const part = join(atos.home, "models", "hangs.gguf.part");
  for (let i = 0; i < 600 && !(existsSync(part) && readFileSync(part).length > 0); i++) await pause(50);
  child.kill("SIGINT");
  const stopped = await child.ended;
  assert.equal(stopped.code, 130);
  assert.match(stopped.stderr, /the same command goes on from there: atos models pull hf:me\/repo\/hangs\.gguf/);
  hanging?.destroy();
  assert.match((await atos.run("models", "list")).stdout, /^hangs .*not finished/m);
  const pulled = await atos.json("models", "pull", "hf:me/repo/hangs.gguf");
  assert.equal(pulled.lines[0]?.["resumedFrom"], 1000);
  assert.equal(requests.at(-1)?.range, "bytes=1000-");
});

test("a pinned file that the hub has changed is not fetched", async () => {
  await using atos = open();
  const pulled = await atos.json("models", "pull", "qwen2.5-coder-3b");
  assert.equal(pulled.code, 1);
  assert.equal(pulled.lines[0]?.["code"], "engine/pull-wrong-size");
});

test("the catalog is listed with what each file needs", async () => {
  await using atos = open();
  const { code, lines } = await atos.json("models", "list", "--catalog");
  assert.equal(code, 0);
  const rows: unknown[] = Object.values(lines[0] ?? {});
  const row = rows.map((each): Record<string, unknown> => Object(each)).find(({ name }) => name === "qwen2.5-coder-3b");
  assert.deepEqual(
    { ...row, gpuBytes: typeof row?.["gpuBytes"] },
    {
      name: "qwen2.5-coder-3b",
      quantisation: "Q4_K_M",
      bytes: 2_104_932_800,
      approximate: false,
      gpuBytes: "number",
      contextTokens: 8192,
      budgetGb: 4,
      licence: "Qwen-Research",
      commercial: false,
      pulled: false,
    },
  );
});

test("a file and an address can be shown without being pulled", async () => {
  await using atos = open();
  writeFileSync(atos.path("here.gguf"), content);
  const file = await atos.json("models", "show", "./here.gguf", "--context", "1024");
  assert.equal(Object(file.lines[0]?.["file"]).architecture, "llama");
  const memory: unknown = file.lines[0]?.["memory"];
  assert.ok(Array.isArray(memory) && Object(memory[0]).contextTokens === 1024);
  const address = await atos.json("models", "show", "hf:me/repo/some.gguf");
  assert.deepEqual(address.lines, [
    {
      name: "some",
      url: `${hub}/me/repo/resolve/main/some.gguf`,
      sha256,
      bytes: content.length,
      memory: [],
      passRates: [],
    },
  ]);
});

test("what can't be done is refused with a code, and the exit code of its kind", async () => {
  await using atos = open();
  const refusals: [string[], number, string][] = [
    [["pull", "no-such-model"], 2, "cli/unknown-model"],
    [["pull", "./file.gguf"], 2, "engine/bad-pull-address"],
    [["pull", "qwen3.5-4b:q2_k"], 2, "engine/no-such-quantisation"],
    [["pull", "qwen3-coder-480b-a35b"], 3, "engine/server-only-model"],
    [["pull", "qwen3.5-4b", "--name", "../x"], 2, "cli/bad-model-name"],
    [["pull", "qwen3.5-4b", "--name", "nano"], 2, "cli/bad-model-name"],
    [["pull", "qwen3.5-4b", "--name", "mine.gguf"], 2, "cli/bad-model-name"],
    [["pull", "qwen3.5-4b:q4_k_m:more"], 2, "engine/no-such-quantisation"],
    [["pull", "qwen3.5-4b", "--sha256", "abc"], 2, "cli/bad-hash"],
    [["pull", "hf:nobody/none/x.gguf"], 3, "engine/pull-failed"],
    [["show", "no-such-model"], 2, "cli/unknown-model"],
    [["show", "constructor"], 2, "cli/unknown-model"],
    [["show", "./none.gguf"], 3, "engine/model-not-found"],
    [["show", "nano", "--context", "many"], 2, "cli/bad-context"],
    [["show", "nano", "--context", "999999"], 2, "cli/bad-context"],
    [["rm", "nano", "--yes"], 2, "cli/own-model"],
    [["rm", "no-such-model", "--yes"], 2, "cli/unknown-model"],
  ];
  for (const [words, exitCode, errorCode] of refusals) {
    const { code, lines } = await atos.json("models", ...words);
    assert.deepEqual({ code, error: lines[0]?.["code"] }, { code: exitCode, error: errorCode }, words.join(" "));
  }
});

test("folders and links into nowhere among the models are no models, and stop nobody", async () => {
  await using atos = open();
  const folder = join(atos.home, "models");
  mkdirSync(join(folder, "folder.gguf"), { recursive: true });
  symlinkSync(join(folder, "none"), join(folder, "link.gguf"));
  assert.deepEqual(names((await atos.run("models", "list")).stdout), ["nano"]);
  assert.equal((await atos.json("models", "rm", "folder", "--yes")).lines[0]?.["code"], "cli/unknown-model");
});

test("a hub whose address can't be used is refused with the variable that holds it", async () => {
  await using atos = new Installation({ HF_ENDPOINT: "mirror.example" });
  const { code, lines } = await atos.json("models", "pull", "qwen3.5-4b");
  assert.deepEqual({ code, error: lines[0]?.["code"] }, { code: 2, error: "engine/bad-hub-address" });
});

test("nothing is deleted where nobody can be asked", async () => {
  await using atos = open();
  await atos.run("models", "pull", "hf:me/repo/some.gguf");
  const { code, lines } = await atos.json("models", "rm", "some");
  assert.deepEqual({ code, error: lines[0]?.["code"] }, { code: 2, error: "cli/not-confirmed" });
  assert.ok(existsSync(join(atos.home, "models", "some.gguf")));
});

function names(stdout: string): string[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
