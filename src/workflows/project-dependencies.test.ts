import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { SandboxRequest } from "../sandbox/sandbox.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { requireLanguage } from "../tools/find-language.ts";
import { runTests } from "../tools/run-tests.ts";
import {
  DEPENDENCY_PATH,
  findDependencies,
  presentDependencies,
  presentEnvironment,
  showDependencies,
  showToCommands,
} from "./project-dependencies.ts";

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
  // Python itself is not told of them: what runs the tests adds them once it has its own modules.
  const program = "import os, sys; sys.path.append(os.environ['ATOS_PACKAGES']); import little; print(little.SIX)";
  assert.deepEqual(await run(sandbox.pythonPath ?? "", "-c", program), [0, "6", ""]);
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

test("a virtual environment is shown where its packages are and its programs are no link", async () => {
  const directory = join(root, "environment");
  mkdirSync(join(directory, SITE_PACKAGES), { recursive: true });
  const dependencies = await findDependencies(directory);
  const programs = join(directory, ".venv/bin");
  assert.equal(await presentEnvironment({ directory, dependencies }), undefined);
  symlinkSync("/", programs);
  assert.equal(await presentEnvironment({ directory, dependencies }), undefined);
  rmSync(programs);
  mkdirSync(programs);
  assert.equal(await presentEnvironment({ directory, dependencies }), join(directory, ".venv"));
  assert.equal(await presentEnvironment({ directory, dependencies: [] }), undefined);
});

test("an agent's own commands find the packages too, and what they ask for themselves comes first", async () => {
  const directory = join(root, "shown");
  const own = join(root, "own-packages");
  mkdirSync(own);
  writeFileSync(join(own, "little.py"), "SIX = 66\n");
  const plain = await openSandbox({ unsafe: false });
  const sandbox = await showToCommands(plain, { directory, dependencies: await findDependencies(directory) });
  const folder = join(root, "commands");
  mkdirSync(folder);
  const run = async (command: readonly [string, ...string[]], more: Partial<SandboxRequest> = {}) => {
    const report = await sandbox.run({ command, root: folder, ...more }, AbortSignal.timeout(30_000));
    return report.stdout.trim();
  };
  assert.equal(await run([sandbox.nodePath, "-p", "require('tiny')"]), "5");
  const six = [sandbox.pythonPath ?? "", "-c", "import little; print(little.SIX)"] as const;
  assert.equal(await run(six), "6");
  const target = sandbox.mounts ? "/opt/atos/dependencies" : own;
  assert.equal(await run(six, { readOnly: [{ source: own, target }], env: { PYTHONPATH: target } }), "66");
  assert.deepEqual(readdirSync(folder), []);
});

test("packages can't stand for what runs the tests, and are still there for the code", async () => {
  const directory = join(root, "shadow");
  const packages = join(directory, SITE_PACKAGES);
  mkdirSync(packages, { recursive: true });
  for (const name of ["pytest", "unittest", "json", "sitecustomize"])
    writeFileSync(join(packages, `${name}.py`), "import os\nos._exit(0)\n");
  writeFileSync(join(packages, "little.py"), "SIX = 6\n");
  const checkout = join(root, "verified");
  mkdirSync(checkout);
  writeFileSync(
    join(checkout, "test_six.py"),
    "import unittest\nfrom little import SIX\n\n\nclass T(unittest.TestCase):\n    def test_six(self):\n        self.assertEqual(SIX, 6)\n\n    def test_seven(self):\n        self.assertEqual(SIX, 7)\n",
  );
  const plain = await openSandbox({ unsafe: false });
  const sandbox = await showDependencies(plain, checkout, {
    directory,
    dependencies: await findDependencies(directory),
  });
  const code = { root: checkout, language: requireLanguage("python"), files: ["test_six.py"] };
  const { tests } = await runTests(sandbox, code, AbortSignal.timeout(30_000));
  assert.deepEqual(tests.map(({ name, outcome }) => `${name} ${outcome}`).toSorted(), [
    "test_seven failed",
    "test_six passed",
  ]);
});

test("only what is there and was found is shown, and no path may leave the two places", async () => {
  const directory = join(root, "half");
  mkdirSync(join(directory, "node_modules"), { recursive: true });
  mkdirSync(join(directory, ".venv/lib"), { recursive: true });
  symlinkSync(join(root, "shown/.venv/lib/python3.11"), join(directory, ".venv/lib/python3.11"));
  const node = { kind: "node", path: "node_modules" } as const;
  const wrong = [
    { kind: "python", path: SITE_PACKAGES },
    { kind: "node", path: SITE_PACKAGES },
    { kind: "python", path: "node_modules" },
    { kind: "node", path: "../shown" },
  ] as const;
  assert.deepEqual(await presentDependencies({ directory, dependencies: [...wrong, node] }), [node]);
  assert.deepEqual(await presentDependencies({ directory, dependencies: wrong }), []);
  const paths = ["node_modules", SITE_PACKAGES, "/", "..", "node_modules/..", "node_modules\n", ".venv/lib"];
  assert.deepEqual(
    paths.filter((path) => DEPENDENCY_PATH.test(path)),
    ["node_modules", SITE_PACKAGES],
  );
});
