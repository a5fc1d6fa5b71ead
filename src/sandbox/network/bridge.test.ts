import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, test } from "node:test";
import { openSandbox } from "../open-sandbox.ts";
import type { NetworkRule, SandboxReport, SandboxRequest } from "../sandbox.ts";

const sandbox = await openSandbox({ unsafe: false });
const never = new AbortController().signal;
const base = realpathSync(mkdtempSync(join(tmpdir(), "atos-bridge-test-")));
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(base, { recursive: true, force: true });
});

let folders = 0;
function newFolder(): string {
  const folder = join(base, `w${folders++}`);
  mkdirSync(folder);
  return folder;
}

async function listen(server: Server, ...where: [string] | [number, string]): Promise<number> {
  servers.push(server);
  if (where.length === 1) server.listen(where[0]);
  else server.listen(...where);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

type Ran = SandboxReport & { readonly root: string };

/** Runs a command in the real sandbox with these hosts. */
async function run(
  command: SandboxRequest["command"],
  allow: readonly NetworkRule[],
  more: Partial<SandboxRequest> = {},
): Promise<Ran> {
  const root = newFolder();
  return { ...(await sandbox.run({ ...more, command, root, network: { allow } }, never)), root };
}

const NPM_TARBALL = makeNpmTarball();
const WHEEL = makeWheel();
const registry = createServer((request, response) => {
  const own = `http://127.0.0.1:${port}`;
  const dist = {
    tarball: `${own}/tiny/-/tiny-1.0.0.tgz`,
    integrity: `sha512-${createHash("sha512").update(NPM_TARBALL).digest("base64")}`,
  };
  const version = { name: "tiny", version: "1.0.0", dist };
  const answers: Readonly<Record<string, () => string | Buffer>> = {
    "/tiny": () => JSON.stringify({ name: "tiny", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } }),
    "/tiny/-/tiny-1.0.0.tgz": () => NPM_TARBALL,
    "/simple/tiny/": () => '<a href="/files/tiny-1.0.0-py3-none-any.whl">tiny-1.0.0-py3-none-any.whl</a>',
    "/files/tiny-1.0.0-py3-none-any.whl": () => WHEEL,
    "/hello": () => "hello",
  };
  const answer = answers[request.url ?? ""];
  if (request.url === "/away") response.writeHead(302, { location: `http://evil.example:${port}/hello` }).end();
  else if (answer === undefined) response.writeHead(404).end();
  else
    response
      .writeHead(200, { "content-type": (request.url ?? "").startsWith("/simple") ? "text/html" : "application/json" })
      .end(answer());
});
const port = await listen(registry, 0, "127.0.0.1");
const REGISTRY: NetworkRule = { host: "127.0.0.1", port, private: true };

test("npm installs a package from a registry on the list", async (t) => {
  const npm = npmFolder();
  if (npm === undefined) return t.skip("this machine has no npm");
  const options = [`--registry=http://127.0.0.1:${port}`, "--no-audit", "--no-fund"];
  const command = [sandbox.nodePath, "/opt/npm/bin/npm-cli.js", "install", "tiny@1.0.0", ...options] as const;
  const report = await run([...command], [REGISTRY], { readOnly: [{ source: npm, target: "/opt/npm" }] });
  assert.deepEqual([report.exitCode, report.refusedHosts], [0, undefined], report.stderr);
  assert.match(readFileSync(join(report.root, "node_modules/tiny/index.js"), "utf8"), /tiny/);
});

test("pip installs a package from an index on the list", async (t) => {
  const python = sandbox.pythonPath;
  if (python === undefined || !hasPip(python)) return t.skip("this machine has no pip that the sandbox can show");
  const index = ["--index-url", `http://127.0.0.1:${port}/simple`, "--trusted-host", "127.0.0.1"];
  const report = await run([python, "-m", "pip", "install", "--target", "lib", ...index, "tiny==1.0.0"], [REGISTRY]);
  assert.deepEqual([report.exitCode, report.refusedHosts], [0, undefined], report.stderr);
  assert.equal(readFileSync(join(report.root, "lib/tiny.py"), "utf8"), "name = 'tiny'\n");
});

test("an installation from elsewhere fails, and the report says from where", async (t) => {
  const python = sandbox.pythonPath;
  if (python === undefined || !hasPip(python)) return t.skip("this machine has no pip that the sandbox can show");
  const index = [
    "--index-url",
    `http://evil.example:${port}/simple`,
    "--trusted-host",
    "evil.example",
    "--retries",
    "0",
  ];
  const report = await run([python, "-m", "pip", "install", "--target", "lib", ...index, "tiny"], [REGISTRY]);
  assert.deepEqual([report.exitCode, report.refusedHosts], [1, [`evil.example:${port}`]]);
});

/** Asks for each URL as programs do that heed the proxy variables, and prints status and body. */
const ASK = `const { get } = require("node:http");
const ask = (url) => new Promise((resolve) => get(url, async (reply) => {
  const chunks = []; for await (const chunk of reply) chunks.push(chunk);
  console.log(reply.statusCode, String(Buffer.concat(chunks)).trim());
  resolve(reply.headers.location && ask(reply.headers.location));
}).on("error", (error) => resolve(console.log(error.code))));
(async () => { for (const url of process.argv.slice(1)) await ask(url); })()`;

test("a redirect off the list and a private address are refused on the way", async () => {
  const urls = [`http://127.0.0.1:${port}/away`, `http://localhost:${port}/hello`];
  const rules = [REGISTRY, { host: "localhost", port }];
  const report = await run([sandbox.nodePath, "-e", ASK, ...urls], rules);
  const [redirect, away, inside] = report.stdout.split("\n");
  assert.equal(redirect, "302 ");
  assert.equal(away, `403 atos: evil.example:${port} is not among the hosts that this command may reach`);
  assert.match(inside ?? "", /^403 atos: localhost:\d+ has the address (127\.0\.0\.1|::1), which is not on the public/);
  assert.deepEqual(report.refusedHosts, [`evil.example:${port}`, `localhost:${port}`]);
});

test("there is no way past the proxy: no address, no socket by path or by name", async () => {
  const abstract = `\0${base}`;
  await listen(
    createTcpServer((socket) => socket.end()),
    abstract,
  );
  await listen(
    createTcpServer((socket) => socket.end()),
    join(base, "socket"),
  );
  const targets = [
    { port, host: "127.0.0.1" },
    { port, host: "::1" },
    { port: 443, host: "1.1.1.1" },
    { path: abstract },
    { path: join(base, "socket") },
  ];
  const script = `const targets = ${JSON.stringify(targets)}; const next = () => { const target = targets.shift(); if (target) require("node:net")
    .connect(target).on("connect", () => { console.log("REACHED", target); process.exit(); }).on("error", (error) => { console.log(error.code); next(); }) }; next();
    require("node:dns").lookup("registry.example", (error) => console.log("name", error.code));`;
  const report = await run([sandbox.nodePath, "-e", script], [REGISTRY]);
  const lines = report.stdout.trim().split("\n");
  assert.deepEqual(
    lines.filter((line) => !line.startsWith("name")),
    ["ECONNREFUSED", "ECONNREFUSED", "ENETUNREACH", "ECONNREFUSED", "ENOENT"],
  );
  assert.match(report.stdout, /^name (EAI_AGAIN|ENOTFOUND)$/m);
});

test("the command cannot change the bridge or the socket's folder", async () => {
  const script =
    "rm -f /opt/atos/network/socket/proxy; touch /opt/atos/network/socket/x; echo > /opt/atos/network/bridge.mjs; ls /opt/atos/network/socket; [ -s /opt/atos/network/bridge.mjs ] && echo kept";
  assert.equal((await run(["/bin/sh", "-c", script], [])).stdout, "proxy\nkept\n");
});

test("the exit code is the command's, as without the bridge, and its end is the end", async () => {
  const codes = [];
  for (const command of [
    ["sh", "-c", "exit 42"],
    ["sh", "-c", "kill -TERM $$"],
    ["no-such-command"],
    ["/etc"],
    ["true"],
  ] as const) {
    codes.push((await run([...command], [])).exitCode);
  }
  assert.deepEqual(codes, [42, 143, 127, 126, 0]);
  const report = await run(["sh", "-c", "echo out; echo problem >&2; cat; sleep 300 &"], []);
  assert.deepEqual([report.exitCode, report.stdout, report.stderr], [0, "out\n", "problem\n"]);
});

function npmFolder(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "npm"));
  const found = folders.find((file) => existsSync(file));
  return found === undefined ? undefined : dirname(dirname(realpathSync(found)));
}

function hasPip(python: string): boolean {
  try {
    execFileSync(python, ["-I", "-m", "pip", "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function makeNpmTarball(): Buffer {
  const folder = newFolder();
  mkdirSync(join(folder, "package"));
  writeFileSync(join(folder, "package", "package.json"), JSON.stringify({ name: "tiny", version: "1.0.0" }));
  writeFileSync(join(folder, "package", "index.js"), 'module.exports = "tiny";\n');
  return execFileSync("tar", ["-czf", "-", "-C", folder, "package"]);
}

function makeWheel(): Buffer {
  const file = join(newFolder(), "tiny.whl");
  const script = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("tiny.py", "name = 'tiny'\\n")
    wheel.writestr("tiny-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0.0\\n")
    wheel.writestr("tiny-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("tiny-1.0.0.dist-info/RECORD", "tiny.py,,\\n")`;
  if (sandbox.pythonPath === undefined) return Buffer.alloc(0);
  execFileSync(sandbox.pythonPath, ["-c", script, file]);
  return readFileSync(file);
}
