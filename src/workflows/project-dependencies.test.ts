import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { findDependencies, showDependencies } from "./project-dependencies.ts";

const root = mkdtempSync(join(tmpdir(), "atos-packages-"));
after(() => rmSync(root, { recursive: true, force: true }));
const SITE_PACKAGES = ".venv/lib/python3.11/site-packages";

test("packages of Node and of Python are found, and nothing that is a link", async () => {
  const directory = join(root, "found");
  mkdirSync(join(directory, "node_modules"), { recursive: true });
  mkdirSync(join(directory, SITE_PACKAGES), { recursive: true });
  assert.deepEqual(await findDependencies(directory), [
    { kind: "node", path: "node_modules" },
    { kind: "python", path: SITE_PACKAGES },
  ]);
  const linked = join(root, "linked");
  mkdirSync(linked);
  symlinkSync("/", join(linked, "node_modules"));
  symlinkSync(join(directory, ".venv"), join(linked, ".venv"));
  assert.deepEqual(await findDependencies(linked), []);
  assert.deepEqual(await findDependencies(join(root, "nothing")), []);
});

test("code in the sandbox can import them and not change them", async () => {
  const directory = join(root, "shown");
  mkdirSync(join(directory, "node_modules/tiny"), { recursive: true });
  writeFileSync(join(directory, "node_modules/tiny/index.js"), "module.exports = require('other') + 1;\n");
  mkdirSync(join(directory, "node_modules/other"));
  writeFileSync(join(directory, "node_modules/other/index.js"), "module.exports = 4;\n");
  mkdirSync(join(directory, SITE_PACKAGES), { recursive: true });
  writeFileSync(join(directory, SITE_PACKAGES, "little.py"), "SIX = 6\n");
  const checkout = join(root, "checkout");
  mkdirSync(checkout);
  const plain = await openSandbox({ unsafe: false });
  const dependencies = await findDependencies(directory);
  const sandbox = await showDependencies(plain, checkout, { directory, dependencies });
  const run = async (...command: readonly [string, ...string[]]) => {
    const { stdout, stderr, exitCode } = await sandbox.run({ command, root: checkout }, AbortSignal.timeout(30_000));
    return [exitCode, stdout.trim(), exitCode === 0 ? stderr : ""];
  };
  assert.deepEqual(await run(sandbox.nodePath, "-p", "require('tiny')"), [0, "5", ""]);
  assert.deepEqual(await run(sandbox.pythonPath ?? "", "-c", "import little; print(little.SIX)"), [0, "6", ""]);
  assert.deepEqual((await run("sh", "-c", "echo x > node_modules/tiny/index.js"))[0] === 0, false);
  assert.deepEqual(readdirSync(join(directory, "node_modules")).toSorted(), ["other", "tiny"]);
});

test("what the checkout has itself stays, and packages that are gone are not missed", async () => {
  const checkout = join(root, "own");
  mkdirSync(join(checkout, "node_modules"), { recursive: true });
  const plain = await openSandbox({ unsafe: false });
  const gone = [{ kind: "node", path: "node_modules" }] as const;
  const options = { directory: join(root, "nothing"), dependencies: gone };
  assert.equal(await showDependencies(plain, checkout, options), plain);
  await showDependencies(plain, checkout, { directory: join(root, "shown"), dependencies: gone });
  assert.deepEqual(readdirSync(join(checkout, "node_modules")), []);
});
