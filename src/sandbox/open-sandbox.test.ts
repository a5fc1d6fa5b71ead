import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
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
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../base/errors.ts";
import { openBubblewrap } from "./bubblewrap.ts";
import { openSandbox } from "./open-sandbox.ts";
import { listPids, readIfThere } from "./process-view.ts";
import { killIfThere } from "./running-command.ts";
import type { SandboxRequest } from "./sandbox.ts";

const sandbox = await openSandbox({ unsafe: false });
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

/** Processes of the whole machine whose command line holds `text`. */
const processesWith = (text: string) =>
  listPids("/proc").filter((pid) => readIfThere(`/proc/${pid}/cmdline`)?.includes(text));

test("runs a command in the workspace and reports exactly what it did", async () => {
  const { durationMs, ...report } = await shell("pwd; echo problem >&2; echo made > made; exit 3");
  assert.deepEqual(report, { level: "bubblewrap", exitCode: 3, stdout: "/workspace\n", stderr: "problem\n" });
  assert.ok(durationMs > 0);
  assert.deepEqual(readdirSync(root), ["made"]);
});

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

test("standard input is empty, exit codes pass through, a signal is 128 and its number", async () => {
  assert.equal((await shell("cat; exit 42")).exitCode, 42);
  assert.equal((await shell("kill -TERM $$")).exitCode, 143);
});

test("a command that is not there is exit 127, one that cannot be run 126", async () => {
  assert.equal((await run(["no-such-command"])).exitCode, 127);
  assert.equal((await run(["/etc"])).exitCode, 126);
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
  const report = await shell(
    `for path in ${hidden.join(" ")}; do [ -e "$path" ] && echo "$path"; done; ls -A /tmp /home`,
  );
  const expected = homedir() === "/home" ? "/home\n" : "";
  assert.equal(report.stdout, `${expected}/home:\n\n/tmp:\n`);
});

test("nothing but the workspace and the small memory folders can be written", async () => {
  const report = await shell(
    "for path in / /usr /etc /dev /proc /opt /opt/node/bin /proc/sys/kernel; do touch $path/x && echo $path; done",
  );
  assert.equal(report.stdout, "");
  const sizes = await shell(
    "for path in /tmp /dev/shm /home; do head -c 90000000 /dev/zero > $path/x; stat -c %s $path/x; rm $path/x; done",
    {
      limits: { fileMib: 100 },
    },
  );
  assert.deepEqual(
    sizes.stdout
      .trim()
      .split("\n")
      .map((size) => Number(size) / 2 ** 20),
    [64, 64, 16],
  );
});

test("a link in the workspace leads nowhere", async () => {
  writeFileSync(join(base, "secret"), "do not tell");
  symlinkSync(join(base, "secret"), join(root, "link"));
  symlinkSync("/", join(root, "machine"));
  const report = await shell(`cat link; cat machine/etc/passwd machine${base}/secret; chmod 777 link`);
  assert.equal(report.stdout, "");
  assert.equal(statSync(join(base, "secret")).uid, process.getuid?.());
});

test("the environment is minimal, of bwrap too, with what was asked for", async () => {
  process.env["ATOS_TEST_SECRET"] = "do not tell";
  try {
    const report = await shell("env | cut -d= -f1 | sort | xargs; tr '\\0' '\\n' < /proc/1/environ", {
      env: { GIVEN: "a=b c" },
    });
    assert.equal(report.stdout.split("\n")[0], "GIVEN HOME LANG PATH PWD PYTHONDONTWRITEBYTECODE TMPDIR");
    assert.doesNotMatch(report.stdout, /do not tell|ATOS/);
    assert.equal((await shell('printf %s "$GIVEN"', { env: { GIVEN: "a=b c" } })).stdout, "a=b c");
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

test("shows further paths read-only, and the workspace's .git likewise", async () => {
  mkdirSync(join(base, "deps"));
  writeFileSync(join(base, "deps", "a"), "from deps");
  mkdirSync(join(root, ".git"));
  writeFileSync(join(root, ".git", "config"), "x");
  const readOnly = [
    { source: join(base, "deps"), target: "/workspace/node_modules" },
    { source: join(base, "deps", "a"), target: "/opt/deps/deep/a" },
  ];
  const script =
    "cat node_modules/a /opt/deps/deep/a; touch node_modules/b .git/b; echo y > .git/config; mv .git gone; rm -rf node_modules/a; touch ok";
  const report = await shell(script, { readOnly });
  assert.equal(report.stdout, "from depsfrom deps");
  assert.deepEqual(readdirSync(join(base, "deps")), ["a"]);
  assert.deepEqual(readdirSync(root).sort(), [".git", "node_modules", "ok"]);
  assert.deepEqual(readdirSync(join(root, ".git")), ["config"]);
  assert.equal(statSync(join(base, "deps", "a")).uid, process.getuid?.());
});

test("works below a folder that only its owner may enter, and on files that came in later", async () => {
  chmodSync(base, 0o700);
  chmodSync(root, 0o700);
  assert.equal((await shell("touch a")).exitCode, 0);
  mkdirSync(join(root, "later"), { mode: 0o700 });
  writeFileSync(join(root, "later", "b"), "", { mode: 0o600 });
  assert.equal((await shell("echo changed > later/b && echo more >> a && rm later/b")).stderr, "");
});

test("the wall clock ends it", async () => {
  const report = await shell("echo begun; sleep 30", { limits: { wallMs: 300 } });
  assert.deepEqual([report.exitCode, report.limitHit, report.stdout], [null, "wall", "begun\n"]);
  assert.ok(report.durationMs < 1000, String(report.durationMs));
});

test("memory ends it: of one process, of many together, and of files in memory", async () => {
  const limits = { memoryMib: 128, wallMs: 20_000 };
  const take = (bytes: number) =>
    `const kept = []; setInterval(() => kept.length < 100 && kept.push(Buffer.alloc(${bytes}, 1)), 10)`;
  assert.equal((await node(take(8e6), { limits })).limitHit, "memory");
  const each = "head -c 20000000 /dev/zero | tail -c 20000000 | sleep 20 &";
  assert.equal((await shell(`${each.repeat(10)} wait`, { limits })).limitHit, "memory");
  const fill = "for f in /tmp/a /dev/shm/a /home/a; do head -c 60000000 /dev/zero > $f; done; sleep 20";
  assert.equal((await shell(fill, { limits })).limitHit, "memory");
});

test("growth of the workspace ends it, what was there does not count", async () => {
  writeFileSync(join(root, "old"), Buffer.alloc(20 * 2 ** 20, 1));
  const write = (count: number) => `for i in $(seq ${count}); do head -c 4000000 /dev/zero > f$i; sleep 0.02; done`;
  assert.equal((await shell(write(3), { limits: { diskMib: 16 } })).limitHit, undefined);
  assert.equal((await shell(`rm f*; ${write(60)}`, { limits: { diskMib: 16 } })).limitHit, "disk");
});

test("output ends it and keeps head and tail", async () => {
  const report = await shell("echo first; yes", { limits: { outputBytes: 1000 } });
  assert.deepEqual([report.exitCode, report.limitHit], [null, "output"]);
  assert.match(report.stdout, /^first\ny\n[^]*bytes left out[^]*y\n$/);
  assert.ok(report.stdout.length < 1100);
});

test("a file grows no further than its limit, and a busy loop runs out of CPU time", async () => {
  assert.notEqual((await shell("head -c 4000000 /dev/zero > large", { limits: { fileMib: 1 } })).exitCode, 0);
  assert.equal(statSync(join(root, "large")).size, 2 ** 20);
  assert.equal((await run(["/bin/sh", "-c", "while :; do :; done"], { limits: { cpuSeconds: 1 } })).exitCode, 137);
});

test("a fork bomb is bounded and dies with the call, and another sandbox is not held up by it", async () => {
  const mark = "12.7135";
  const stop = new AbortController();
  const script = `const { spawn } = require("node:child_process");
    setInterval(() => { for (let count = 0; count < 10; count++) spawn("sleep", ["${mark}"]).on("error", () => {}); }, 10)`;
  const bomb = sandbox.run({ command: [sandbox.nodePath, "-e", script], root, limits: { processes: 40 } }, stop.signal);
  for (let poll = 0; poll < 250 && processesWith(mark).length < 25; poll++) await sleep(20);
  await sleep(200);
  const count = processesWith(mark).length;
  const other = await shell("for i in $(seq 30); do sleep 0.2 & done; wait", { limits: { processes: 40 } });
  stop.abort();
  await assert.rejects(bomb, { name: "AbortError" });
  assert.ok(count >= 25 && count <= 44, String(count));
  assert.deepEqual([other.exitCode, other.stderr], [0, ""]);
  assert.deepEqual(processesWith(mark), []);
});

test("what runs in the background dies with the call, whatever session it made itself", async () => {
  const report = await shell(
    "setsid sleep 23.4711 & (setsid setsid sleep 23.4711 >/dev/null 2>&1 &) ; sleep 0.05; echo done",
  );
  assert.deepEqual([report.exitCode, report.stdout], [0, "done\n"]);
  assert.deepEqual(processesWith("23.4711"), []);
});

test("an abort kills all of it within a second and is thrown", async () => {
  const reason = new Error("enough");
  const stop = new AbortController();
  const command = ["/bin/sh", "-c", "trap '' TERM INT; sleep 31.9173 & sleep 31.9173; wait"] as const;
  const running = sandbox.run({ command, root }, stop.signal);
  await sleep(150);
  const abortedAt = performance.now();
  stop.abort(reason);
  await assert.rejects(running, reason);
  assert.ok(performance.now() - abortedAt < 1000);
  assert.deepEqual(processesWith("31.9173"), []);
  await assert.rejects(sandbox.run({ command, root }, stop.signal), reason);
});

test("an abort at any moment of the start leaves nothing", async () => {
  for (let delayMs = 0; delayMs < 16; delayMs += 2) {
    await assert.rejects(sandbox.run({ command: ["sleep", "31.9174"], root }, AbortSignal.timeout(delayMs)), {
      name: "TimeoutError",
    });
  }
  assert.deepEqual(processesWith("31.9174"), []);
});

test("dies with the process that started it, in the midst of the start as well as later", async () => {
  const script = `import { openSandbox } from ${JSON.stringify(join(import.meta.dirname, "open-sandbox.ts"))};
    const sandbox = await openSandbox({ unsafe: false });
    void sandbox.run({ command: ["sleep", "47.1133"], root: ${JSON.stringify(root)} }, new AbortController().signal);`;
  const started = () => processesWith("sleep\x0047.1133");
  const sleeping = () => started().filter((pid) => readIfThere(`/proc/${pid}/cmdline`) === "sleep\x0047.1133\x00");
  for (const afterMs of [0, 5, 10, 60]) {
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
    for (let poll = 0; poll < 1000 && started().length === 0; poll++) await sleep(2);
    assert.notEqual(started().length, 0);
    await sleep(afterMs);
    parent.kill("SIGKILL");
    await sleep(200);
    for (let poll = 0; poll < 100 && sleeping().length > 0; poll++) await sleep(20);
    assert.deepEqual(sleeping(), [], `${afterMs} ms after its start`);
    // A bwrap whose parent dies before it may go on waits for ever, and has not run anything.
    for (const pid of started()) killIfThere(pid);
  }
});

test("what cannot be shown is an error, not a report of the command", async () => {
  await assert.rejects(shell("true", { readOnly: [{ source: base, target: "/usr/no/such/place" }] }), (error) => {
    assert.ok(error instanceof Error && "code" in error && error.code === "sandbox/start");
    assert.match(error.message, /bubblewrap did not run \/bin\/sh.*Read-only file system/s);
    return true;
  });
});

test("a bubblewrap that does not work is named as missing, with its own words and the way out", async () => {
  const broken = join(base, "bwrap");
  writeFileSync(
    broken,
    "#!/bin/sh\n[ $1 = --help ] && exec bwrap --help\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n",
  );
  chmodSync(broken, 0o755);
  await assert.rejects(openBubblewrap(broken, process.execPath), (error) => {
    assert.ok(error instanceof Error && "code" in error && "exitCode" in error);
    assert.deepEqual([error.code, error.exitCode], ["sandbox/none", EXIT.missing]);
    assert.match(error.message, /No permissions to create new namespace.*--unsafe/s);
    return true;
  });
});
