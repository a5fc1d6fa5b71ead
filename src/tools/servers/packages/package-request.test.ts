import assert from "node:assert/strict";
import { test } from "node:test";
import { findNpm } from "./npm-install.ts";
import { npmDependencies, pinInManifest, pinnedInManifest } from "./npm-manifest.ts";
import { type Manager, packageProblem } from "./package-request.ts";
import { namedRegistries, PUBLIC_REGISTRIES, refusedHost, registryProblem, registryRules } from "./registries.ts";
import { parseRequirements, writeRequirements } from "./requirements.ts";

const problem = (manager: Manager, name: string, version?: string) => packageProblem({ manager, name, version });

test("plain names and exact versions of the registry pass", () => {
  for (const name of ["lodash", "@types/node", "left-pad", "a.b_c", "~tilde"])
    assert.equal(problem("npm", name), undefined);
  for (const name of ["requests", "PyYAML", "zope.interface", "ruamel-yaml", "a1"])
    assert.equal(problem("pip", name), undefined);
  for (const version of ["1.2.3", "0.0.0-rc.1", "1.0.0+build.5"]) assert.equal(problem("npm", "x", version), undefined);
  for (const version of ["1", "2.31.0", "1!2.0", "1.0rc1", "1.0.post1.dev3"])
    assert.equal(problem("pip", "x", version), undefined);
});

test("addresses, paths, repositories, aliases, extras and options name no package", () => {
  const npm = ["git+https://x.test/a.git", "user/repo", "github:a/b", "./a", "../a", "/a", "~/a", "file:a", "a@npm:b"];
  const both = [
    "--index-url=http://x",
    "-g",
    "",
    " a",
    "a b",
    "a\n--x",
    "a\u0000",
    "ａ",
    "http://x/a.tgz",
    "a/../b",
    "a".repeat(121),
  ];
  const pip = [
    "requests[security]",
    "requests @ https://x",
    "a;python_version>'3'",
    "-e",
    ".",
    "./a.whl",
    "a-",
    "git+ssh://x",
  ];
  for (const name of [...both, ...npm]) assert.match(problem("npm", name) ?? "", /is no plain name of a package/, name);
  for (const name of [...both, ...pip]) assert.match(problem("pip", name) ?? "", /is no plain name of a package/, name);
  for (const version of ["^1.0.0", "*", "1", "next", "1.0.0 || 2", "file:x", "http://x", "1.2.3\n"])
    assert.match(problem("npm", "a", version) ?? "", /is no exact version/, version);
  for (const version of [">=1", "1.*", "==1", "1.0 ; x", "@ file:///x", "1.0+local"])
    assert.match(problem("pip", "a", version) ?? "", /is no exact version/, version);
});

test("a version written into the name is told apart", () => {
  const told = "is no plain name of a package in the";
  assert.equal(problem("npm", "@a/b@1.0.0"), `"@a/b@1.0.0" ${told} npm registry. Give name @a/b and version 1.0.0.`);
  assert.equal(problem("pip", "rich==13.0"), `"rich==13.0" ${told} pip registry. Give name rich and version 13.0.`);
});

test("only the hosts of the registry may be reached, private ones if a person named it", () => {
  assert.deepEqual(registryRules(PUBLIC_REGISTRIES.npm), [{ host: "registry.npmjs.org", port: 443 }]);
  assert.deepEqual(registryRules(PUBLIC_REGISTRIES.pip), [
    { host: "pypi.org", port: 443 },
    { host: "files.pythonhosted.org", port: 443 },
  ]);
  assert.deepEqual(registryRules({ url: "http://[::1]:4873/", files: ["http://nas.test/"], private: true }), [
    { host: "::1", port: 4873, private: true },
    { host: "nas.test", port: 80, private: true },
  ]);
});

test("a registry that can't be reached, and a place that is none, are told apart", () => {
  const told = (...refusedHosts: string[]) => refusedHost({ refusedHosts }, PUBLIC_REGISTRIES.pip);
  assert.equal(told(), undefined);
  assert.equal(told("pypi.org:443"), "the registry pypi.org:443 can't be reached from here, or has no public address");
  assert.equal(told("pypi.org:443", "x.test:80"), "it needs something from x.test:80, which is not the registry");
});

test("a package.json keeps what it has, and its package is pinned where it stands", () => {
  const manifest = '{"name":"app","scripts":{"test":"node --test"},"devDependencies":{"b":"^1.0.0","a":"2.x"}}';
  assert.deepEqual(npmDependencies(manifest), { dependencies: {}, devDependencies: { b: "^1.0.0", a: "2.x" } });
  assert.deepEqual(JSON.parse(pinInManifest(manifest, "b", "1.4.0")), {
    name: "app",
    scripts: { test: "node --test" },
    devDependencies: { a: "2.x", b: "1.4.0" },
  });
  assert.equal(
    pinInManifest(undefined, "x", "1.0.0"),
    '{\n  "private": true,\n  "dependencies": {\n    "x": "1.0.0"\n  }\n}\n',
  );
  assert.equal(pinnedInManifest(manifest, "a"), "2.x");
  assert.equal(pinnedInManifest(manifest, "constructor"), undefined);
});

test("a package.json that wants packages from elsewhere is not followed", () => {
  for (const range of [
    "file:../x",
    "git+ssh://x",
    "http://x/y.tgz",
    "user/repo",
    "npm:other@1.0.0",
    "workspace:*",
    "link:.",
  ])
    assert.throws(() => npmDependencies(JSON.stringify({ dependencies: { a: range } })), {
      message: /only versions of the registry can be installed/,
    });
  assert.throws(() => npmDependencies('{"dependencies":{"../x":"1.0.0"}}'), { name: "ToolFailure" });
  assert.throws(() => npmDependencies("{"), { message: /can't be read as JSON/ });
  assert.throws(() => npmDependencies('{"dependencies":[]}'), { message: /can't be read as JSON/ });
});

test("requirements are read with versions and hashes, and written in a fixed order", () => {
  const hash = "ab".repeat(32);
  const text = `# top\nrich >= 13, <14  # why\n\nFoo_Bar==1.0 \\\n    --hash=sha256:${hash}\nflask\n`;
  assert.deepEqual(parseRequirements(text), [
    { name: "rich", versions: ">= 13,<14", sha256: [] },
    { name: "Foo_Bar", versions: "==1.0", sha256: [hash] },
    { name: "flask", versions: "", sha256: [] },
  ]);
  const wheels = [
    { name: "Zed", version: "1", sha256: hash },
    { name: "A_b", version: "2.0", sha256: hash },
  ];
  assert.equal(
    writeRequirements(wheels),
    `# Written by install_package: all that is installed, pinned.\na-b==2.0 --hash=sha256:${hash}\nzed==1 --hash=sha256:${hash}\n`,
  );
});

test("a requirements.txt with options, addresses or paths is not followed", () => {
  const lines = [
    "--index-url http://x",
    "-r other.txt",
    "-e .",
    "./a.whl",
    "a @ https://x/a.whl",
    "a[extra]",
    "a==1 --hash=md5:x",
  ];
  for (const line of lines) assert.throws(() => parseRequirements(line), { message: /Change or remove it/ }, line);
});

test("npm is found on this machine, or its absence is told", () => {
  assert.match(findNpm("/nowhere/bin/node", process.env["PATH"] ?? ""), /npm$/);
});

test("a registry that a person names takes the place of the public one, wherever it is", () => {
  assert.deepEqual(namedRegistries({ npm: "https://packages.corp.example/npm", pip: undefined }), {
    npm: { url: "https://packages.corp.example/npm/", files: [], private: true },
  });
  assert.deepEqual(namedRegistries({ npm: undefined, pip: "http://10.0.0.7:3141/simple/" }), {
    pip: { url: "http://10.0.0.7:3141/simple/", files: [], private: true },
  });
  for (const address of ["https://me:key@h/npm", "ftp://h/", "h/npm", "https://h/?token=1", "https://h/#a"])
    assert.match(registryProblem(address) ?? "", /^must be an https or http address/, address);
});
