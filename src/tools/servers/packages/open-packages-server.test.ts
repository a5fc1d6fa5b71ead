import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { type NpmRelease, openPackageRegistry, type PipRelease } from "../../../../test/fixtures/package-registry.ts";
import { AtosError } from "../../../base/errors.ts";
import { openSandbox } from "../../../sandbox/open-sandbox.ts";
import type { SandboxRequest } from "../../../sandbox/sandbox.ts";
import { dependencyMounts, readLock } from "./dependency-mounts.ts";
import { openPackagesServer } from "./open-packages-server.ts";

const sandbox = await openSandbox({ unsafe: false });
const never = new AbortController().signal;
let base = "";
let root = "";
let store = "";
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "atos-packages-test-")));
  [root, store] = [join(base, "workspace"), join(base, "store")];
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const module = (text: string) => ({ path: "package/index.js", text });
const dep: NpmRelease = { name: "dep", version: "1.0.0", files: [module("module.exports = 1;")] };
const top: NpmRelease = {
  name: "@scope/top",
  version: "2.0.0",
  files: [module("module.exports = require('dep') + 1;")],
  dependencies: { dep: "^1.0.0" },
};
const wheel: PipRelease = {
  name: "base-wheel",
  version: "1.5",
  files: [{ path: "base_wheel.py", text: "value = 1\n" }],
};
const wheelTop: PipRelease = {
  name: "top-wheel",
  version: "2.0",
  files: [{ path: "top_wheel.py", text: "import base_wheel\nvalue = base_wheel.value + 1\n" }],
  requires: ["base-wheel>=1"],
};

type Served = { readonly npm?: readonly NpmRelease[]; readonly pip?: readonly PipRelease[] };
type Wanted = { readonly name: string; readonly manager: "npm" | "pip"; readonly version?: string };

async function install(served: Served, ...wanted: readonly Wanted[]) {
  await using registry = await openPackageRegistry(served);
  const results = [];
  for (const one of wanted) results.push(await installFrom({ npm: registry.npmUrl, pip: registry.pipUrl }, one));
  return { results, requests: registry.requests, last: results.at(-1) };
}

async function installFrom(urls: { readonly npm: string; readonly pip: string }, wanted: Wanted, signal = never) {
  const registries = {
    npm: { url: urls.npm, files: [], private: true },
    pip: { url: urls.pip, files: [], private: true },
  };
  const tool = openPackagesServer({ sandbox, root, store, registries }).tools[0];
  assert.ok(tool !== undefined);
  const result = await tool.run(tool.input.parse(wanted), { signal, idempotencyKey: "k" });
  if (result.ok) tool.output.parse(result.output);
  return result;
}

async function run(...command: SandboxRequest["command"]): Promise<string> {
  const mounts = dependencyMounts(store, readLock(root), sandbox);
  const report = await sandbox.run({ command, root, ...mounts }, never);
  return report.stdout.trim() || report.stderr;
}
const why = async (served: Served, wanted: Wanted) => {
  const { last } = await install(served, wanted);
  assert.deepEqual(readdirSync(root), []);
  assert.deepEqual(existsSync(store) ? readdirSync(store) : [], []);
  return last === undefined || last.ok ? "installed" : last.why;
};

test("installs an npm package with what it needs, records it, and later runs find it", async () => {
  writeFileSync(join(root, "package.json"), '{"type":"module","scripts":{"test":"node --test"}}');
  const { last } = await install({ npm: [dep, top] }, { name: "@scope/top", manager: "npm" });
  assert.ok(last?.ok, JSON.stringify(last));
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  assert.deepEqual(last, {
    ok: true,
    output: {
      name: "@scope/top",
      version: "2.0.0",
      integrity: lock["node_modules/@scope/top"].integrity,
      manager: "npm",
      installed_to: "/node_modules",
      files: 5,
    },
    text: "Installed @scope/top 2.0.0.",
  });
  assert.deepEqual(JSON.parse(readFileSync(join(root, "package.json"), "utf8")), {
    type: "module",
    scripts: { test: "node --test" },
    dependencies: { "@scope/top": "2.0.0" },
  });
  writeFileSync(join(root, "use.js"), 'import value from "@scope/top"; console.log(value);');
  assert.equal(await run(sandbox.nodePath, "use.js"), "2");
  assert.match(await run("/bin/sh", "-c", "echo x > /node_modules/dep/index.js"), /[Rr]ead-only/);
  assert.deepEqual(Object.keys(lock["node_modules/dep"]), ["version", "integrity"]);
});

test("installs a wheel with what it needs, records it by hash, and later runs find it", async (context) => {
  if (sandbox.pythonPath === undefined) return context.skip("no Python 3 in the sandbox");
  const { last } = await install({ pip: [wheel, wheelTop] }, { name: "Top_Wheel", manager: "pip" });
  assert.ok(last?.ok, JSON.stringify(last));
  const { integrity, ...output } = last.output;
  assert.deepEqual(output, {
    name: "Top_Wheel",
    version: "2.0",
    manager: "pip",
    installed_to: "/opt/atos/site-packages",
    files: 11,
  });
  const lines = readFileSync(join(root, "requirements.txt"), "utf8").trim().split("\n");
  assert.match(lines[1] ?? "", /^base-wheel==1\.5 --hash=sha256:[0-9a-f]{64}$/);
  assert.equal(lines[2], `top-wheel==2.0 --hash=${String(integrity)}`);
  assert.equal(await run(sandbox.pythonPath, "-c", "import top_wheel; print(top_wheel.value)"), "2");
});

test("the same again asks nobody and changes nothing; another is installed beside it", async () => {
  const other: NpmRelease = { name: "other", version: "0.1.0", files: [module("module.exports = 3;")] };
  const again = { name: "dep", manager: "npm", version: "1.0.0" } as const;
  const { results } = await install({ npm: [dep, other] }, again);
  const before = readFileSync(join(root, "package-lock.json"), "utf8");
  const second = await install({}, again, { name: "dep", manager: "npm", version: "latest" } as const);
  assert.deepEqual(second.requests, []);
  assert.deepEqual(
    [...results, ...second.results].map((result) => result.ok && result.text),
    ["Installed dep 1.0.0.", "Installed dep 1.0.0. It was there before.", "Installed dep 1.0.0. It was there before."],
  );
  assert.equal(readFileSync(join(root, "package-lock.json"), "utf8"), before);
  const third = await install({ npm: [dep, other] }, { name: "other", manager: "npm" });
  assert.ok(third.last?.ok);
  assert.equal(await run(sandbox.nodePath, "-p", "require('dep') + require('other')"), "4");
  assert.equal(readdirSync(store).length, 2);
});

test("nothing of a package is run, nothing is written beside it, and no link in it is kept", async () => {
  const harm: NpmRelease = {
    name: "harm",
    version: "1.0.0",
    scripts: {
      preinstall: "touch /workspace/harm",
      install: "touch harm",
      postinstall: "node index.js",
      prepare: "touch harm",
    },
    files: [
      module("require('fs').writeFileSync('/workspace/harm', '')"),
      { path: "package/binding.gyp", text: "{}" },
      { path: "package/../../../../escaped.js", text: "x" },
      { path: "/tmp/absolute.js", text: "x" },
      { path: "package/passwd", linkTo: "/etc/passwd" },
      { path: "package/up", linkTo: "../../../.." },
      { path: "package/hard", linkTo: "/etc/passwd", isHardLink: true },
    ],
  };
  const { last } = await install({ npm: [harm] }, { name: "harm", manager: "npm" });
  assert.ok(last?.ok, JSON.stringify(last));
  assert.deepEqual(readdirSync(root), ["package-lock.json", "package.json"]);
  assert.deepEqual(readdirSync(base), ["store", "workspace"]);
  const [lock = ""] = readdirSync(store);
  assert.deepEqual(readdirSync(join(store, lock)), ["node_modules", "package-lock.json", "package.json"]);
  const kept = readdirSync(join(store, lock, "node_modules", "harm"), { recursive: true });
  assert.deepEqual(
    kept.filter((path) => /passwd|up|hard/.test(String(path))),
    [],
  );
  assert.ok(!existsSync("/tmp/absolute.js"));
});

test("a wheel that writes beside itself, and a source that would have to be built, are not installed", async (context) => {
  if (sandbox.pythonPath === undefined) return context.skip("no Python 3 in the sandbox");
  const escaping: PipRelease = { name: "escaping", version: "1.0", files: [{ path: "../../escaped.py", text: "x" }] };
  const setup = { path: "source-1.0/setup.py", text: "open('/workspace/harm', 'w')" };
  const source: PipRelease = { name: "source", version: "1.0", files: [setup], isSource: true };
  assert.match(await why({ pip: [escaping] }, { name: "escaping", manager: "pip" }), /was not installed/);
  assert.match(await why({ pip: [source] }, { name: "source", manager: "pip" }), /has no source as a ready-made wheel/);
  assert.ok(!existsSync(join(base, "escaped.py")));
});

test("what is not what the registry's checksum says is not installed", async (context) => {
  const told = /what came is not what the registry's checksum says/;
  assert.match(await why({ npm: [{ ...dep, isWrong: true }] }, { name: "dep", manager: "npm" }), told);
  if (sandbox.pythonPath === undefined) return context.skip("no Python 3 in the sandbox");
  assert.match(await why({ pip: [{ ...wheel, isWrong: true }] }, { name: "base-wheel", manager: "pip" }), told);
});

test("names and versions that are not there are told", async (context) => {
  assert.match(await why({ npm: [dep] }, { name: "depp", manager: "npm" }), /has no package depp/);
  assert.match(await why({ npm: [dep] }, { name: "dep", manager: "npm", version: "9.9.9" }), /There is no dep@9\.9\.9/);
  assert.match(await why({}, { name: "../dep", manager: "npm" }), /is no plain name/);
  if (sandbox.pythonPath === undefined) return context.skip("no Python 3 in the sandbox");
  const wanted = { name: "base-wheel", manager: "pip", version: "9" } as const;
  assert.match(await why({ pip: [wheel] }, wanted), /There is no base-wheel==9; there are 1\.5\./);
});

test("a package that needs something from elsewhere is not installed", async (context) => {
  const outside = { ...top, dependencies: { dep: "http://evil.test/dep.tgz" } };
  assert.match(
    await why({ npm: [outside] }, { name: "@scope/top", manager: "npm" }),
    /something from evil\.test:80, which is not the registry/,
  );
  const git = { ...top, dependencies: { dep: "git+https://evil.test/dep.git" } };
  assert.match(await why({ npm: [git] }, { name: "@scope/top", manager: "npm" }), /was not installed/);
  if (sandbox.pythonPath === undefined) return context.skip("no Python 3 in the sandbox");
  const direct = { ...wheelTop, requires: ["base-wheel @ http://evil.test/base_wheel-1.5-py3-none-any.whl"] };
  assert.match(
    await why({ pip: [direct] }, { name: "top-wheel", manager: "pip" }),
    /something from evil\.test:80, which is not the registry/,
  );
});

test("a lock that anyone else wrote is not followed, and nothing is shown for it", async () => {
  const lock = { lockfileVersion: 3, packages: { "node_modules/dep": { resolved: "file:/etc", link: true } } };
  writeFileSync(join(root, "package-lock.json"), JSON.stringify(lock));
  assert.deepEqual(dependencyMounts(store, readLock(root), sandbox), { readOnly: [], env: {} });
  const { last } = await install({ npm: [dep] }, { name: "dep", manager: "npm" });
  assert.ok(last?.ok);
  assert.equal(await run(sandbox.nodePath, "-p", "require('dep')"), "1");
});

test("a package whose checksum changed since it was recorded is not installed", async (context) => {
  if (sandbox.pythonPath === undefined) return context.skip("no Python 3 in the sandbox");
  writeFileSync(join(root, "requirements.txt"), `base-wheel==1.5 --hash=sha256:${"0".repeat(64)}\n`);
  const { last } = await install({ pip: [wheel, wheelTop] }, { name: "top-wheel", manager: "pip" });
  assert.ok(last !== undefined && !last.ok);
  assert.match(last.why, /base-wheel 1\.5 has another checksum than requirements\.txt says/);
});

test("an install that is cut off leaves nothing, and one that died is cleared away later", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  assert.ok(typeof address === "object" && address !== null);
  const url = `http://127.0.0.1:${address.port}/`;
  const stop = new AbortController();
  silent.once("connection", (socket) => {
    socket.on("error", () => {});
    stop.abort(new Error("enough"));
  });
  await assert.rejects(installFrom({ npm: url, pip: url }, { name: "dep", manager: "npm" }, stop.signal), {
    message: "enough",
  });
  silent.close();
  assert.deepEqual([readdirSync(root), readdirSync(store)], [[], []]);
  for (const name of [".staging-old", ".staging-new"]) mkdirSync(join(store, name));
  utimesSync(join(store, ".staging-old"), 0, 0);
  await install({ npm: [dep] }, { name: "dep", manager: "npm" });
  const left = readdirSync(store);
  assert.deepEqual([left.length, left.includes(".staging-new")], [2, true]);
});

test("a process that is killed in the middle of an install leaves the workspace as it was", async () => {
  const silent = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  assert.ok(typeof address === "object" && address !== null);
  const registry = { url: `http://127.0.0.1:${address.port}/`, files: [], private: true };
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `import { openPackagesServer } from ${at("open-packages-server.ts")};
    import { openSandbox } from ${at("../../../sandbox/open-sandbox.ts")};
    const sandbox = await openSandbox({ unsafe: false });
    const deps = { sandbox, root: ${JSON.stringify(root)}, store: ${JSON.stringify(store)} };
    const server = openPackagesServer({ ...deps, registries: { npm: ${JSON.stringify(registry)} } });
    await server.tools[0].run({ name: "dep", manager: "npm" }, { signal: new AbortController().signal });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
  const ended = once(child, "exit");
  await Promise.race([once(silent, "connection"), ended]);
  child.kill("SIGKILL");
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  silent.close();
  assert.deepEqual(readdirSync(root), []);
  assert.deepEqual(
    readdirSync(store).map((name) => name.slice(0, 9)),
    [".staging-"],
  );
  const { last } = await install({ npm: [dep] }, { name: "dep", manager: "npm" });
  assert.ok(last?.ok);
  assert.equal(await run(sandbox.nodePath, "-p", "require('dep')"), "1");
});

test("a sandbox that can't let a command reach the registry alone is told of", async () => {
  const words = "This level has no network.";
  const run = () => Promise.reject(new AtosError("sandbox/no-network", words));
  const tool = openPackagesServer({ sandbox: { ...sandbox, run }, root, store }).tools[0];
  const result = await tool?.run({ name: "dep", manager: "npm" }, { signal: never, idempotencyKey: "k" });
  const why = `Packages can't be installed on this machine: ${words} Go on without.`;
  assert.deepEqual([result, readdirSync(store)], [{ ok: false, why }, []]);
});

test("two installs of the same at once both succeed", async () => {
  await using registry = await openPackageRegistry({ npm: [dep] });
  const urls = { npm: registry.npmUrl, pip: registry.pipUrl };
  const wanted = { name: "dep", manager: "npm" } as const;
  const results = await Promise.all([installFrom(urls, wanted), installFrom(urls, wanted)]);
  assert.deepEqual(
    results.map(({ ok }) => ok),
    [true, true],
  );
  assert.equal(readdirSync(store).length, 1);
});
