import assert from "node:assert/strict";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { EXIT } from "../base/errors.ts";
import { openBubblewrap } from "./bubblewrap.ts";
import { openSandbox } from "./open-sandbox.ts";
import type { SandboxRequest } from "./sandbox.ts";

const sandbox = await openSandbox({ unsafe: false, level: "bubblewrap" });
const never = new AbortController().signal;

let base = "";
let root = "";
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "atos-sandbox-test-")));
  root = join(base, "workspace");
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const run = (command: SandboxRequest["command"], rest: Partial<SandboxRequest> = {}) =>
  sandbox.run({ command, root, ...rest }, never);
const shell = (script: string, rest: Partial<SandboxRequest> = {}) => run(["/bin/sh", "-c", script], rest);
const node = (script: string, rest: Partial<SandboxRequest> = {}) => run([sandbox.nodePath, "-e", script], rest);

test("Node and Python run, and Node answers on the loopback", async () => {
  const script = `const server = require("node:http").createServer((_, reply) => reply.end("hello")).listen(0, "localhost", async () => {
    const reply = await fetch("http://localhost:" + server.address().port);
    console.log(process.version, await reply.text(), Object.keys(require("node:os").networkInterfaces()).join());
    server.close();
  })`;
  const report = await node(script);
  assert.deepEqual([report.stdout, report.stderr], [`${process.version} hello lo\n`, ""]);
  if (sandbox.pythonPath === undefined) return assert.ok(!existsSync("/usr/bin/python3"));
  const python = await run([sandbox.pythonPath, "-c", "import json, ssl, threading; print(json.dumps([1]))"]);
  assert.deepEqual([python.exitCode, python.stdout, python.stderr], [0, "[1]\n", ""]);
});

test("shows no accounts, no home, no temporary files, no other workspace", async () => {
  const hidden = [
    "/etc/passwd",
    "/etc/shadow",
    "/root",
    homedir(),
    base,
    process.cwd(),
    "/var",
    "/run",
    "/sys",
    "/mnt",
  ];
  const report = await shell(`for path in ${hidden.join(" ")}; do [ -e "$path" ] && echo "$path"; done; ls -A /tmp`);
  assert.equal(report.stdout, "");
});

test("nothing but the workspace and the small memory folders can be written", async () => {
  const report = await shell(
    "for path in / /usr /etc /dev /proc /opt /opt/node/bin /proc/sys/kernel; do touch $path/x && echo $path; done",
  );
  assert.equal(report.stdout, "");
  const sizes = await shell(
    "for path in /tmp /dev/shm; do head -c 90000000 /dev/zero > $path/x; stat -c %s $path/x; rm $path/x; done",
    {
      limits: { fileMib: 100 },
    },
  );
  assert.deepEqual(
    sizes.stdout
      .trim()
      .split("\n")
      .map((size) => Number(size) / 2 ** 20),
    [64, 64],
  );
});

test("bwrap's own environment, which a command can read, is minimal too", async () => {
  process.env["ATOS_TEST_SECRET"] = "do not tell";
  try {
    const report = await shell("tr '\\0' '\\n' < /proc/1/environ");
    assert.match(report.stdout.trim(), /^(PATH=\/usr\/bin:\/bin)?$/);
  } finally {
    delete process.env["ATOS_TEST_SECRET"];
  }
});

test("inherits no open file", async () => {
  const report = await shell("for fd in /proc/self/fd/*; do readlink $fd; done");
  assert.deepEqual(
    report.stdout.split("\n").filter((line) => !/^(socket:.*|\/dev\/null|)$/.test(line)),
    [],
  );
});

test("has no privilege and gains none", async () => {
  const report = await shell(
    "id -u; id -G; grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status | cut -f2 | xargs",
  );
  assert.equal(
    report.stdout,
    "65532\n65532\n0000000000000000 0000000000000000 0000000000000000 0000000000000000 1 2\n",
  );
  const attempts = [
    "unshare -U true",
    "unshare -m true",
    "su -c true",
    "mount -t tmpfs x /tmp",
    "chroot / true",
    "chown 0 /workspace",
  ];
  for (const attempt of attempts) assert.notEqual((await shell(attempt)).exitCode, 0, attempt);
});

test("sees its own processes only", async () => {
  const report = await shell("ls -d /proc/[0-9]* | wc -l");
  assert.ok(Number(report.stdout) < 8, report.stdout);
});

test("reaches no network, and no socket of the machine, by path or by name", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  const named = createServer().listen(`\0${base}`);
  const filed = createServer().listen(join(base, "socket"));
  try {
    await Promise.all([server, named, filed].map((listener) => once(listener, "listening")));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const targets = [
      { port, host: "127.0.0.1" },
      { port: 53, host: "1.1.1.1" },
      { path: `\0${base}` },
      { path: join(base, "socket") },
    ];
    const script = `for (const target of ${JSON.stringify(targets)}) require("node:net").connect(target)
      .on("connect", () => { console.log("REACHED", target); process.exit() }).on("error", (error) => console.log(error.code))`;
    const report = await node(script);
    assert.deepEqual(report.stdout.trim().split("\n").sort(), [
      "ECONNREFUSED",
      "ECONNREFUSED",
      "ENETUNREACH",
      "ENOENT",
    ]);
  } finally {
    for (const listener of [server, named, filed]) listener.close();
  }
});

test("shows further paths read-only", async () => {
  mkdirSync(join(base, "deps"));
  writeFileSync(join(base, "deps", "a"), "from deps");
  const readOnly = [
    { source: join(base, "deps"), target: "/workspace/node_modules" },
    { source: join(base, "deps", "a"), target: "/opt/deps/deep/a" },
  ];
  const script = "cat node_modules/a /opt/deps/deep/a; touch node_modules/b; rm -rf node_modules/a; touch ok";
  const report = await shell(script, { readOnly });
  assert.equal(report.stdout, "from depsfrom deps");
  assert.deepEqual(readdirSync(join(base, "deps")), ["a"]);
  assert.deepEqual(readdirSync(root).toSorted(), ["node_modules", "ok"]);
  assert.equal(statSync(join(base, "deps", "a")).uid, process.getuid?.());
});

test("the workspace's .git and .atos are neither seen nor changed, as folders and as a worktree's file", async () => {
  const script =
    "ls -A .git .atos; cat .git/config .atos/config.yaml; touch .git/b .atos/b; mv .git gone; rm -rf .git .atos; mkdir -p .git/hooks; ln -sf /etc .git";
  for (const name of [".git", ".atos"]) mkdirSync(join(root, name));
  writeFileSync(join(root, ".git", "config"), "git's");
  writeFileSync(join(root, ".atos", "config.yaml"), "atos's");
  assert.equal((await shell(script)).stdout, ".atos:\n\n.git:\n");
  assert.deepEqual(readFileSync(join(root, ".git", "config"), "utf8"), "git's");
  assert.deepEqual(
    [".git", ".atos"].map((name) => [readdirSync(join(root, name)), statSync(join(root, name, "..")).isDirectory()]),
    [
      [["config"], true],
      [["config.yaml"], true],
    ],
  );
  assert.equal(statSync(join(root, ".git", "config")).uid, process.getuid?.());
  rmSync(join(root, ".git"), { recursive: true });
  writeFileSync(join(root, ".git"), "gitdir: /elsewhere");
  const worktree = await shell("cat .git; echo x > .git; rm .git; mv .git a; ln -sf /etc .git; stat -c %s .git");
  assert.equal(worktree.stdout, "0\n");
  assert.equal(readFileSync(join(root, ".git"), "utf8"), "gitdir: /elsewhere");
});

test("calls that overlap in one workspace keep .git hidden to the last, and then it is gone", async () => {
  const attempt =
    "for i in $(seq 60); do mkdir .git/x 2>/dev/null && echo made; rmdir .git 2>/dev/null && echo removed; sleep 0.01; done";
  const long = shell(attempt);
  await Promise.all(Array.from({ length: 6 }, () => shell("sleep 0.05")));
  for (let call = 0; call < 4; call++) await shell("true");
  assert.equal((await long).stdout, "");
  assert.deepEqual(readdirSync(root), []);
});

test("a .git that is a symbolic link is refused", async () => {
  symlinkSync("/etc", join(root, ".git"));
  await assert.rejects(shell("true"), { code: "sandbox/not-hidden" });
});

test("files in memory count as memory", async () => {
  const fill = "for f in /tmp/a /tmp/b /dev/shm/a; do head -c 60000000 /dev/zero > $f; done; sleep 20";
  assert.equal((await shell(fill, { limits: { memoryMib: 96, wallMs: 20_000 } })).limitHit, "memory");
});

test("what cannot be shown is an error, not a report of the command", async () => {
  await assert.rejects(shell("true", { readOnly: [{ source: base, target: "/usr/no/such/place" }] }), (error) => {
    assert.ok(error instanceof Error && "code" in error && error.code === "sandbox/start");
    assert.match(error.message, /bubblewrap did not run \/bin\/sh.*Read-only file system/s);
    return true;
  });
});

test("a bubblewrap that does not work is named as missing, with its own words", async () => {
  const broken = join(base, "bwrap");
  writeFileSync(
    broken,
    "#!/bin/sh\n[ $1 = --help ] && exec bwrap --help\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n",
  );
  chmodSync(broken, 0o755);
  await assert.rejects(openBubblewrap(broken, process.execPath), (error) => {
    assert.ok(error instanceof Error && "code" in error && "exitCode" in error);
    assert.deepEqual([error.code, error.exitCode], ["sandbox/none", EXIT.missing]);
    assert.match(error.message, /does not work here.*No permissions to create new namespace/s);
    return true;
  });
});

test("a level is opened by its name, or what is missing is said and nothing else taken", async () => {
  assert.equal((await openSandbox({ unsafe: false })).level, "bubblewrap");
  assert.equal((await openSandbox({ unsafe: false, level: "landlock" })).level, "landlock");
  await assert.rejects(openSandbox({ unsafe: false, level: "seatbelt" }), (error) => {
    assert.ok(error instanceof Error && "code" in error && "exitCode" in error);
    assert.deepEqual([error.code, error.exitCode], ["sandbox/none", EXIT.missing]);
    assert.match(error.message, /ask for seatbelt and no other. seatbelt: .*--unsafe/s);
    return true;
  });
});
