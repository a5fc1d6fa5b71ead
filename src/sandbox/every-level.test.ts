import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openSandbox } from "./open-sandbox.ts";
import { listPids, readIfThere } from "./process-view.ts";
import { killIfThere } from "./running-command.ts";
import type { SandboxRequest } from "./sandbox.ts";

/*
 * What every level promises that runs here. What one alone promises stands in its own test.
 */
const never = new AbortController().signal;
let base = "";
let root = "";
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "atos-sandbox-test-")));
  root = join(base, "workspace");
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** Processes of the whole machine whose command line holds `text`. */
const processesWith = (text: string) =>
  listPids("/proc").filter((pid) => readIfThere(`/proc/${pid}/cmdline`)?.includes(text));

for (const level of ["bubblewrap", "landlock"] as const) {
  const sandbox = await openSandbox({ unsafe: false, level });
  const inside = () => (sandbox.mounts ? "/workspace" : root);
  const run = (command: SandboxRequest["command"], rest: Partial<SandboxRequest> = {}) =>
    sandbox.run({ command, root, ...rest }, never);
  const shell = (script: string, rest: Partial<SandboxRequest> = {}) => run(["/bin/sh", "-c", script], rest);
  const node = (script: string, rest: Partial<SandboxRequest> = {}) => run([sandbox.nodePath, "-e", script], rest);

  test(`${level}: runs a command in the workspace and reports exactly what it did`, async () => {
    const { durationMs, ...report } = await shell("pwd; echo problem >&2; echo made > made; exit 3");
    assert.deepEqual(report, { level, exitCode: 3, stdout: `${inside()}\n`, stderr: "problem\n" });
    assert.ok(durationMs > 0);
    assert.deepEqual(readdirSync(root), ["made"]);
  });

  test(`${level}: standard input is empty, exit codes pass through, a signal is 128 and its number`, async () => {
    assert.equal((await shell("cat; exit 42")).exitCode, 42);
    assert.equal((await shell("kill -TERM $$")).exitCode, 143);
  });

  test(`${level}: a command that is not there is exit 127, one that cannot be run 126`, async () => {
    assert.equal((await run(["no-such-command"])).exitCode, 127);
    assert.equal((await run(["/etc"])).exitCode, 126);
  });

  test(`${level}: a link in the workspace leads nowhere`, async () => {
    writeFileSync(join(base, "secret"), "do not tell");
    symlinkSync(join(base, "secret"), join(root, "link"));
    symlinkSync("/", join(root, "machine"));
    const report = await shell(`cat link; cat machine/etc/passwd machine${base}/secret; chmod 777 link`);
    assert.equal(report.stdout, "");
    assert.equal(statSync(join(base, "secret")).uid, process.getuid?.());
  });

  test(`${level}: works below a folder that only its owner may enter, and on files that came in later`, async () => {
    chmodSync(base, 0o700);
    chmodSync(root, 0o700);
    assert.equal((await shell("touch a")).exitCode, 0);
    mkdirSync(join(root, "later"), { mode: 0o700 });
    writeFileSync(join(root, "later", "b"), "", { mode: 0o600 });
    assert.equal((await shell("echo changed > later/b && echo more >> a && rm later/b")).stderr, "");
  });

  test(`${level}: the wall clock ends it`, async () => {
    const report = await shell("echo begun; sleep 30", { limits: { wallMs: 300 } });
    assert.deepEqual([report.exitCode, report.limitHit, report.stdout], [null, "wall", "begun\n"]);
    assert.ok(report.durationMs < 1000, String(report.durationMs));
  });

  test(`${level}: growth of the workspace ends it, what was there does not count`, async () => {
    writeFileSync(join(root, "old"), Buffer.alloc(20 * 2 ** 20, 1));
    const write = (count: number) => `for i in $(seq ${count}); do head -c 4000000 /dev/zero > f$i; sleep 0.02; done`;
    assert.equal((await shell(write(3), { limits: { diskMib: 16 } })).limitHit, undefined);
    assert.equal((await shell(`rm f*; ${write(60)}`, { limits: { diskMib: 16 } })).limitHit, "disk");
  });

  test(`${level}: output ends it and keeps head and tail`, async () => {
    const report = await shell("echo first; yes", { limits: { outputBytes: 1000 } });
    assert.deepEqual([report.exitCode, report.limitHit], [null, "output"]);
    assert.match(report.stdout, /^first\ny\n[^]*bytes left out[^]*y\n$/);
    assert.ok(report.stdout.length < 1100);
  });

  test(`${level}: a file grows no further than its limit, and a busy loop runs out of CPU time`, async () => {
    const written = await shell("exec head -c 4000000 /dev/zero > large", { limits: { fileMib: 1 } });
    assert.deepEqual([written.exitCode, written.limitHit], [null, "file"]);
    assert.equal(statSync(join(root, "large")).size, 2 ** 20);
    const inside = await shell("head -c 4000000 /dev/zero > large; echo $?; exit 9", { limits: { fileMib: 1 } });
    assert.deepEqual([inside.exitCode, inside.limitHit, inside.stdout], [9, undefined, "153\n"]);
    const busy = await run(["/bin/sh", "-c", "while :; do :; done"], { limits: { cpuSeconds: 1 } });
    assert.deepEqual([busy.exitCode, busy.limitHit], [null, "cpu"]);
  });

  test(`${level}: a fork bomb is bounded and dies with the call, and another sandbox is not held up by it`, async () => {
    const mark = "12.7135";
    const stop = new AbortController();
    const script = `const { spawn } = require("node:child_process");
      setInterval(() => { for (let count = 0; count < 10; count++) spawn("sleep", ["${mark}"]).on("error", () => {}); }, 10)`;
    const bomb = sandbox.run(
      { command: [sandbox.nodePath, "-e", script], root, limits: { processes: 40 } },
      stop.signal,
    );
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

  test(`${level}: what runs in the background dies with the call, whatever session it made itself`, async () => {
    const report = await shell(
      "setsid sleep 23.4711 & (setsid setsid sleep 23.4711 >/dev/null 2>&1 &) ; sleep 0.05; echo done",
    );
    assert.deepEqual([report.exitCode, report.stdout], [0, "done\n"]);
    assert.deepEqual(processesWith("23.4711"), []);
  });

  test(`${level}: an abort kills all of it within a second and is thrown`, async () => {
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

  test(`${level}: an abort at any moment of the start leaves nothing`, async () => {
    for (let delayMs = 0; delayMs < 16; delayMs += 2) {
      await assert.rejects(sandbox.run({ command: ["sleep", "31.9174"], root }, AbortSignal.timeout(delayMs)), {
        name: "TimeoutError",
      });
    }
    assert.deepEqual(processesWith("31.9174"), []);
  });

  test(`${level}: dies with the process that started it, in the midst of the start as well as later`, async () => {
    const script = `import { openSandbox } from ${JSON.stringify(join(import.meta.dirname, "open-sandbox.ts"))};
      const sandbox = await openSandbox({ unsafe: false, level: "${level}" });
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

  test(`${level}: its files have the modes and times that it gives them, and what fails is told`, async () => {
    const modes =
      "echo 'echo ran' > a; chmod 700 a; ./a; mkdir d; chmod 751 d; chmod 640 d/../a; stat -c %a a d; touch -d @99 a; touch -hd @98 l; stat -c %Y a";
    const report = await shell(`ln -s a l; ${modes}; touch missing/x || echo told; chmod 700 missing || echo told`);
    assert.equal(report.stdout, "ran\n640\n751\n99\ntold\ntold\n");
    assert.deepEqual([statSync(join(root, "d")).mode & 0o777, lstatSync(join(root, "l")).mtimeMs], [0o751, 98_000]);
  });

  test(`${level}: no file of it runs as its owner`, async () => {
    const script = "import os\nos.umask(0)\n";
    const tries = [
      "os.chmod('a', 0o4755)",
      "os.fchmod(os.open('a', os.O_RDONLY), 0o2755)",
      "os.open('b', os.O_CREAT | os.O_WRONLY, 0o4755)",
      "os.open('.', os.O_TMPFILE | os.O_WRONLY, 0o4755)",
      "os.mknod('c', 0o104755)",
    ];
    const caught = tries.map((attempt) => `try: print(${attempt})\nexcept OSError as error: print(error.errno)\n`);
    const report = await run([
      sandbox.pythonPath ?? "python3",
      "-c",
      `${script}open('a', 'w').close()\n${caught.join("")}`,
    ]);
    assert.equal(report.stdout, "1\n".repeat(tries.length));
    assert.deepEqual(readdirSync(root), ["a"]);
  });

  test(`${level}: Node and Python run, with child processes and copies of files`, async () => {
    const script = `const fs = require("node:fs"); fs.writeFileSync("a", "text"); fs.copyFileSync("a", "b");
      const child = require("node:child_process").spawnSync(process.execPath, ["-p", "require('fs').readFileSync('b', 'utf8')"]);
      console.log(process.version, child.stdout.toString().trim())`;
    const report = await node(script);
    assert.deepEqual([report.stdout, report.stderr], [`${process.version} text\n`, ""]);
    if (sandbox.pythonPath === undefined) return assert.ok(!existsSync("/usr/bin/python3"));
    const copy = "import json, shutil, ssl, threading; shutil.copy2('a', 'c'); print(json.dumps(open('c').read()))";
    const python = await run([sandbox.pythonPath, "-c", copy]);
    assert.deepEqual([python.exitCode, python.stdout, python.stderr], [0, '"text"\n', ""]);
  });

  test(`${level}: memory ends it, of one process and of many together`, async () => {
    const limits = { memoryMib: 128, wallMs: 20_000 };
    const take = (bytes: number) =>
      `const kept = []; setInterval(() => kept.length < 100 && kept.push(Buffer.alloc(${bytes}, 1)), 10)`;
    assert.equal((await node(take(8e6), { limits })).limitHit, "memory");
    const each = "head -c 20000000 /dev/zero | tail -c 20000000 | sleep 20 &";
    assert.equal((await shell(`${each.repeat(10)} wait`, { limits })).limitHit, "memory");
  });

  test(`${level}: the environment is minimal, with what was asked for`, async () => {
    process.env["ATOS_TEST_SECRET"] = "do not tell";
    try {
      const report = await shell("env | cut -d= -f1 | sort | xargs", { env: { GIVEN: "a=b c" } });
      assert.equal(report.stdout, "GIVEN HOME LANG PATH PWD PYTHONDONTWRITEBYTECODE TMPDIR\n");
      const plain = await node("console.log(Object.keys(process.env).sort().join(' '))");
      assert.equal(plain.stdout, "HOME LANG PATH PYTHONDONTWRITEBYTECODE TMPDIR\n");
      assert.equal((await shell('printf %s "$GIVEN"', { env: { GIVEN: "a=b c" } })).stdout, "a=b c");
    } finally {
      delete process.env["ATOS_TEST_SECRET"];
    }
  });

  test(`${level}: a scratch folder is there and is gone afterwards`, async () => {
    const report = await shell("echo kept > $TMPDIR/a; cat $TMPDIR/a; echo $TMPDIR");
    const [text, scratch = ""] = report.stdout.trim().split("\n");
    assert.equal(text, "kept");
    assert.ok(!existsSync(join(scratch, "a")));
    assert.equal((await shell("cat $TMPDIR/a")).stdout, "");
  });

  test(`${level}: no command leaves a .git or .atos behind`, async () => {
    await shell("mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit; mkdir .atos; ln -s /etc .atos/x; touch made");
    assert.deepEqual(readdirSync(root), ["made"]);
    await shell("ln -s /etc .git; echo evil > .atos");
    assert.deepEqual(readdirSync(root), ["made"]);
    await shell(
      "mkdir -p .git/a/b/c .atos/a; touch .git/config .git/a/b/x; chmod 0 .git/a/b; chmod 300 .git .git/a; chmod 0 .atos",
    );
    assert.deepEqual(readdirSync(root), ["made"]);
  });
}
