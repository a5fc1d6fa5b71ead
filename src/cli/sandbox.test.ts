import assert from "node:assert/strict";
import { once } from "node:events";
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Installation } from "../../test/fixtures/atos.ts";
import { listPids, readIfThere } from "../sandbox/process-view.ts";
import { limitsOf } from "./sandbox.ts";
import { isSystemFolder } from "./sandbox-folder.ts";

const root = process.getuid?.() === 0;
const DEFAULT_LIMITS = {
  wallMs: 60_000,
  cpuSeconds: 60,
  memoryMib: 1024,
  processes: 128,
  fileMib: 64,
  diskMib: 256,
  outputBytes: 1_048_576,
};

test("passes on what the command wrote, byte for byte, and its exit code", async () => {
  await using atos = new Installation();
  const run = await atos.run("sandbox", "--", "sh", "-c", "printf 'a\\033[1m'; printf problem >&2; exit 42");
  assert.deepEqual(run, { code: 42, stdout: "a\u001B[1m", stderr: "problem" });
  assert.equal((await atos.run("sandbox", "--", "no-such-command")).code, 127);
  assert.equal((await atos.run("sandbox", "--", "sh", "-c", "kill -TERM $$")).code, 143);
});

test("what stands behind the dashes is the command's, options too", async () => {
  await using atos = new Installation();
  const run = await atos.run("sandbox", "--", "echo", "--json", "--root", "--help", "--", "-h");
  assert.deepEqual(run, { code: 0, stdout: "--json --root --help -- -h\n", stderr: "" });
});

test("with --json one document tells all", async () => {
  await using atos = new Installation();
  mkdirSync(atos.path("project"));
  const own = ["--wall-seconds", "9", "--root", "project", "--json"];
  const { code, stdout, stderr } = await atos.run("sandbox", ...own, "--", "sh", "-c", "pwd; exit 3");
  const { durationMs, ...rest }: { durationMs?: unknown } = Object(JSON.parse(stdout));
  assert.ok(typeof durationMs === "number" && durationMs > 0);
  assert.deepEqual(
    { code, stderr, rest },
    {
      code: 3,
      stderr: "",
      rest: {
        level: "bubblewrap",
        exitCode: 3,
        stdout: "/workspace\n",
        stderr: "",
        limits: { ...DEFAULT_LIMITS, wallMs: 9000 },
        workspace: "/workspace",
      },
    },
  );
});

test("a limit ends the command with exit code 1 and is named, with the level", async () => {
  await using atos = new Installation();
  const slow = await atos.run("sandbox", "--wall-seconds", "1", "--", "sleep", "30");
  assert.deepEqual(slow, {
    code: 1,
    stdout: "",
    stderr: "atos: ended by its limit, it ran for 1 s [sandbox: bubblewrap]\n",
  });
  const { code, stdout } = await atos.run("sandbox", "--output-bytes", "1000", "--json", "--", "yes");
  const { exitCode, limitHit }: { exitCode?: unknown; limitHit?: unknown } = Object(JSON.parse(stdout));
  assert.deepEqual([code, exitCode, limitHit], [1, null, "output"]);
});

test("writes to the folder it was given, and leaves nothing when it was given none", async () => {
  await using atos = new Installation();
  const temporary = atos.path("tmp");
  mkdirSync(temporary);
  await using other = new Installation({ TMPDIR: temporary, NODE_DISABLE_COMPILE_CACHE: "1" });
  const fresh = await other.run("sandbox", "--", "sh", "-c", "mkdir -m 0 a; ls; pwd");
  assert.deepEqual([fresh.code, fresh.stdout, readdirSync(temporary)], [0, "a\n/workspace\n", []]);
  mkdirSync(atos.path("project"));
  assert.equal((await atos.run("sandbox", "--root", "project", "--", "touch", "made")).code, 0);
  assert.deepEqual(readdirSync(atos.path("project")), ["made"]);
});

test("files belong to whom they belonged when it has ended, and new ones to the person", async () => {
  await using atos = new Installation();
  const project = atos.path("project");
  mkdirSync(`${project}/deep/er`, { recursive: true });
  writeFileSync(`${project}/deep/er/old`, "");
  writeFileSync(atos.path("outside"), "");
  symlinkSync(atos.path("outside"), `${project}/link`);
  writeFileSync(`${project}/somebodys`, "");
  if (root) for (const path of [atos.path("outside"), `${project}/somebodys`]) chownSync(path, 12_345, 12_345);
  const script =
    "echo x > deep/er/old && mkdir -p new/er && touch new/er/file && ln -s /etc/passwd away && ln -s ../../outside out; stat -c %u deep";
  for (const ending of ["true", "exit 1", "sleep 30"]) {
    const run = await atos.run(
      "sandbox",
      "--wall-seconds",
      "2",
      "--root",
      project,
      "--",
      "sh",
      "-c",
      `${script}; ${ending}`,
    );
    assert.match(run.stdout, /^65532$/m);
    const owners = readdirSync(project, { recursive: true }).map((name) => [
      String(name),
      lstatSync(`${project}/${String(name)}`).uid,
    ]);
    const others = owners.filter(([, uid]) => uid !== process.getuid?.());
    assert.deepEqual([others, lstatSync(project).uid], [root ? [["somebodys", 12_345]] : [], process.getuid?.()]);
    assert.equal(lstatSync(atos.path("outside")).uid, root ? 12_345 : process.getuid?.());
  }
});

test("Ctrl-C and a polite kill end all of it, give the folder back, and exit with 130", async () => {
  await using atos = new Installation();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    mkdirSync(atos.path(signal));
    const mark = `30${process.pid}${signal.length}`;
    const running = atos.start(["sandbox", "--root", signal, "--", "sh", "-c", `touch begun; sleep ${mark}`]);
    for (let wait = 0; wait < 200 && !existsSync(atos.path(signal, "begun")); wait++) await sleep(25);
    running.kill(signal);
    assert.deepEqual(await running.ended, { code: 130, stdout: "", stderr: "atos: interrupted [cli/interrupted]\n" });
    assert.deepEqual(
      listPids("/proc").filter((pid) => readIfThere(`/proc/${pid}/cmdline`)?.includes(mark)),
      [],
    );
    assert.equal(lstatSync(atos.path(signal, "begun")).uid, process.getuid?.());
  }
});

test("reaches the hosts that are named, and says which it was not let to", async () => {
  const server = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  try {
    await using atos = new Installation();
    const script = `const { get } = require("node:http");
      for (const host of ["127.0.0.1:${port}", "evil.example"]) get("http://" + host, (reply) => reply.resume() && console.log(host, reply.statusCode))`;
    const args = ["--allow-host", `127.0.0.1:${port}`, "--", "node", "-e", script];
    const { code, stdout, stderr } = await atos.run("sandbox", ...args);
    assert.deepEqual([code, stdout.split("\n").toSorted()], [0, ["", `127.0.0.1:${port} 200`, "evil.example 403"]]);
    assert.equal(
      stderr,
      "atos: not let to evil.example:80 (not allowed by --allow-host, or without a public address) [sandbox: bubblewrap]\n",
    );
    const json = await atos.run("sandbox", "--json", ...args);
    const { refusedHosts }: { refusedHosts?: unknown } = Object(JSON.parse(json.stdout));
    assert.deepEqual([refusedHosts, json.stderr], [["evil.example:80"], ""]);
  } finally {
    server.close();
  }
});

test("bad usage is exit code 2, and says what to write", async () => {
  await using atos = new Installation();
  writeFileSync(atos.path("file"), "");
  const cases = [
    { args: [], says: /atos sandbox -- / },
    { args: ["--no-such-flag", "--", "true"], says: /unknown option/ },
    {
      args: ["--wall-seconds", "0", "--", "true"],
      says: /--wall-seconds must be a whole number.*"0" \[sandbox\/limits\]/,
    },
    { args: ["--memory-mib", "1e3", "--", "true"], says: /--memory-mib must be/ },
    { args: ["--allow-host", "https://pypi.org", "--", "true"], says: /HOST:PORT.*\[sandbox\/network-rule\]/ },
    { args: ["--root", "/", "--", "true"], says: /\[sandbox\/root\]/ },
  ];
  for (const { args, says } of cases) {
    const run = await atos.run("sandbox", ...args);
    assert.deepEqual([run.code, run.stdout], [2, ""], run.stderr);
    assert.match(run.stderr, says);
  }
  for (const wrong of ["nowhere", "file", atos.home]) {
    const run = await atos.run("sandbox", "--root", wrong, "--", "true");
    assert.deepEqual([run.code, /\[sandbox\/root\]/.test(run.stderr)], [2, true], run.stderr);
  }
});

test("the limits not named are the defaults", () => {
  assert.deepEqual(limitsOf({}), DEFAULT_LIMITS);
  const flags = {
    wallSeconds: "2",
    cpuSeconds: "3",
    memoryMib: "4",
    processes: "5",
    fileMib: "6",
    diskMib: "7",
    outputBytes: "8",
  };
  assert.deepEqual(limitsOf(flags), {
    wallMs: 2000,
    cpuSeconds: 3,
    memoryMib: 4,
    processes: 5,
    fileMib: 6,
    diskMib: 7,
    outputBytes: 8,
  });
});

test("the system's folders are not given away", () => {
  const system = [
    "/etc",
    "/etc/ssl",
    "/usr",
    "/usr/local",
    "/usr/local/bin",
    "/lib64",
    "/dev",
    "/dev/shm",
    "/var",
    "/var/lib",
    "/home",
    "/tmp",
    "/opt",
    "/proc/1",
  ];
  const own = [
    "/opt/project",
    "/home/ada",
    "/home/ada/project",
    "/srv/project",
    "/tmp/project",
    "/var/lib/project",
    "/usr/src/project",
    "/dev/shm/project",
    "/etcetera",
    "/project",
  ];
  assert.deepEqual(
    system.filter((path) => !isSystemFolder(path)),
    [],
  );
  assert.deepEqual(own.filter(isSystemFolder), []);
});
