import assert from "node:assert/strict";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
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
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openLandlock } from "./landlock.ts";
import { childrenOf, listPids, readIfThere } from "./process-view.ts";
import type { SandboxRequest } from "./sandbox.ts";

const sandbox = await openLandlock(process.execPath);
const never = new AbortController().signal;
let base = "";
let root = "";
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "atos-landlock-test-")));
  root = join(base, "workspace");
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const run = (command: SandboxRequest["command"], rest: Partial<SandboxRequest> = {}) =>
  sandbox.run({ command, root, ...rest }, never);
const shell = (script: string, rest: Partial<SandboxRequest> = {}) => run(["/bin/sh", "-c", script], rest);
const python = (script: string, rest: Partial<SandboxRequest> = {}) =>
  run([sandbox.pythonPath ?? "python3", "-c", script], rest);
const processesWith = (text: string) =>
  listPids("/proc").filter((pid) => readIfThere(`/proc/${pid}/cmdline`)?.includes(text));

test("opens no file outside the workspace and the system's programs", async () => {
  writeFileSync(join(base, "secret"), "do not tell", { mode: 0o666 });
  chmodSync(base, 0o777);
  const paths = [
    "/etc/passwd",
    "/etc/hostname",
    "/proc/1/environ",
    "/proc/self/status",
    "/proc/net/tcp",
    join(base, "secret"),
  ];
  const read = await shell(`for path in ${paths.join(" ")}; do cat $path; done; ls / /root /tmp /proc ${base}`);
  assert.equal(read.stdout, "");
  const written = await shell(
    `for folder in / /usr /etc /dev /dev/shm /tmp /var/tmp /proc/self ${base}; do { : > $folder/x; } && echo $folder; done
     echo more >> ${base}/secret; truncate -s 0 ${base}/secret; rm ${base}/secret; mv ${base}/secret .; ln ${base}/secret hard; mv ../workspace ../moved`,
  );
  assert.equal(written.stdout, "");
  assert.equal(readFileSync(join(base, "secret"), "utf8"), "do not tell");
  assert.deepEqual([readdirSync(base).toSorted(), readdirSync(root)], [["secret", "workspace"], []]);
});

test("changes no mode, owner, time or attribute of a file outside", async () => {
  const file = join(base, "file");
  writeFileSync(file, "", { mode: 0o666 });
  chmodSync(base, 0o755);
  const before = statSync(file);
  await shell(`chmod 777 ${file}; chown 65532 ${file}; chgrp 65532 ${file}; touch -d 2001-01-01 ${file}`);
  await python(`import os
for call in (lambda: os.chmod(${JSON.stringify(file)}, 0o777), lambda: os.setxattr(${JSON.stringify(file)}, "user.x", b"y")):
    try: call()
    except OSError as error: print(error.errno)`);
  const after = statSync(file);
  assert.deepEqual(
    [after.mode, after.uid, after.gid, after.mtimeMs],
    [before.mode, before.uid, before.gid, before.mtimeMs],
  );
});

test("changes no mode or time of what it is shown, by any way there is to it", async () => {
  const shown = join(base, "shown");
  mkdirSync(shown);
  writeFileSync(join(shown, "a"), "", { mode: 0o644 });
  symlinkSync(join(shown, "a"), join(root, "link"));
  if (process.getuid?.() === 0) chownSync(join(shown, "a"), 65_532, 65_532);
  const before = statSync(join(shown, "a"));
  const script = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
path = ${JSON.stringify(join(shown, "a"))}
held, folder, nowhere = os.open(path, os.O_RDONLY), os.open(${JSON.stringify(shown)}, os.O_RDONLY), os.open(path, os.O_PATH)
def by(number, *arguments):
    if libc.syscall(number, *arguments) < 0: raise OSError(ctypes.get_errno(), "")
for call in (lambda: os.chmod(path, 0o777), lambda: os.chmod("link", 0o777), lambda: os.chmod("../shown/a", 0o777),
    lambda: os.chmod("a", 0o777, dir_fd=folder), lambda: os.fchmod(held, 0o777), lambda: by(452, nowhere, b"", 0o777, 0x1000),
    lambda: os.utime(path), lambda: os.utime(held), lambda: os.utime("link", (1, 1)), lambda: os.utime("a", dir_fd=folder),
    lambda: by(452, -100, b"x" * 5000, 0o777, 0), lambda: by(452, -100, ctypes.c_void_p(8), 0o777, 0), lambda: by(452, 77, b"", 0o777, 0x1000)):
    try: call(); print("CHANGED")
    except OSError as error: print(error.errno)`;
  const report = await python(script, { readOnly: [{ source: shown, target: shown }] });
  assert.deepEqual([report.stdout, report.stderr], [`${"1\n".repeat(10)}36\n5\n2\n`, ""]);
  const after = statSync(join(shown, "a"));
  assert.deepEqual([after.mode, after.mtimeMs, after.atimeMs], [before.mode, before.mtimeMs, before.atimeMs]);
});

test("has no socket: no network, no loopback, no local socket by path or by name, no datagram", async () => {
  const tcp = createServer().listen(0, "127.0.0.1");
  const filed = createServer().listen(join(base, "socket"));
  const named = createServer().listen(`\0${base}`);
  try {
    await Promise.all([tcp, filed, named].map((server) => once(server, "listening")));
    chmodSync(base, 0o777);
    chmodSync(join(base, "socket"), 0o777);
    const script = `import socket
tried = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM),
  (socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM), (socket.AF_NETLINK, socket.SOCK_RAW)]
for family, kind in tried:
    try: print("SOCKET", socket.socket(family, kind))
    except OSError as error: print(error.errno)
for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
    try: print("PAIR", socket.socketpair(socket.AF_UNIX, kind))
    except OSError as error: print(error.errno)
a, b = socket.socketpair()
a.send(b"x"); print(b.recv(1))
b.close()
for target in (${JSON.stringify(join(base, "socket"))}, "\\0" + ${JSON.stringify(base)}):
    try: a.connect(target); print("REACHED", target)
    except OSError as error: print(error.errno)`;
    const report = await python(script);
    assert.deepEqual(report.stdout.trim().split("\n"), [...Array.from({ length: 8 }, () => "97"), "b'x'", "1", "1"]);
  } finally {
    for (const server of [tcp, filed, named]) server.close();
  }
});

test("signals, limits and ranks its own processes only", async () => {
  const script = `import os, resource
for pid in (1, ${process.pid}, os.getppid(), -1):
    for number in (0, 9) if pid != -1 else ():
        try: os.kill(pid, number); print("SIGNALLED", pid)
        except OSError as error: print(error.errno)
for call in (lambda: resource.prlimit(${process.pid}, resource.RLIMIT_NOFILE, (9, 9)), lambda: os.setpriority(os.PRIO_PROCESS, ${process.pid}, 19),
    lambda: os.setpriority(os.PRIO_USER, 0, 19), lambda: os.sched_setaffinity(${process.pid}, [0])):
    try: call(); print("CHANGED")
    except OSError as error: print(error.errno)
child = os.fork()
if child == 0:
    import time; time.sleep(30)
os.kill(child, 15); print(os.waitpid(child, 0)[1])`;
  const report = await python(script);
  assert.deepEqual(
    [report.stdout.trim().split("\n"), report.stderr],
    [[...Array.from({ length: 10 }, () => "1"), "15"], ""],
  );
});

test("shares no memory, semaphores, messages or news of files with the machine", async () => {
  const script = `import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for call in (lambda: libc.shmget(0, 4096, 0o1600), lambda: libc.semget(0, 1, 0o1600), lambda: libc.msgget(0, 0o1600), lambda: libc.inotify_init(), lambda: libc.memfd_create(b"x", 0)):
    print(call(), ctypes.get_errno())`;
  assert.equal((await python(script)).stdout, "-1 38\n".repeat(5));
});

test("has no privilege but, below a folder that is root's alone, to enter it", async () => {
  const capabilities = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
header = (ctypes.c_uint32 * 2)(0x20080522, 0); data = (ctypes.c_uint32 * 6)()
libc.capget(header, data)
print(os.getuid() == os.geteuid(), [data[0], data[1], data[2], data[3]], libc.prctl(39, 0, 0, 0, 0), libc.prctl(21, 0, 0, 0, 0))`;
  const isRoot = process.getuid?.() === 0;
  assert.equal((await python(capabilities)).stdout, `True [${isRoot ? "4, 4, 4" : "0, 0, 0"}, 0] 1 2\n`);
  chmodSync(base, 0o755);
  const node = statSync(sandbox.nodePath).mode & 0o1;
  assert.equal(node, 1);
  assert.equal((await python(capabilities)).stdout, "True [0, 0, 0, 0] 1 2\n");
  for (const attempt of [
    "unshare -U true",
    "unshare -m true",
    "su -c true",
    "mount -t tmpfs x .",
    "chroot . true",
    "chown 0 .",
  ])
    assert.notEqual((await shell(`exec 2>&1; ${attempt} && test $(stat -c %u .) = 0`)).exitCode, 0, attempt);
});

test("a workspace with .git or .atos is refused, and told why", async () => {
  for (const name of [".git", ".atos"]) {
    mkdirSync(join(root, name));
    await assert.rejects(shell("true"), (error) => {
      assert.ok(error instanceof Error && "code" in error && error.code === "sandbox/not-hidden");
      assert.match(error.message, new RegExp(`has a \\${name}, which level landlock cannot hide`));
      return true;
    });
    rmSync(join(root, name), { recursive: true });
  }
});

test("shows further paths read-only where they are, and nowhere else", async () => {
  const deps = join(base, "deps");
  mkdirSync(deps);
  writeFileSync(join(deps, "a"), "from deps");
  const report = await shell(`cat ${deps}/a; echo x > ${deps}/a; touch ${deps}/b; rm ${deps}/a; ls ${deps}`, {
    readOnly: [{ source: deps, target: deps }],
  });
  assert.equal(report.stdout, "from depsa\n");
  const refused = [
    { source: deps, target: "/opt/deps" },
    { source: base, target: base },
    { source: join(deps, "none"), target: join(deps, "none") },
  ];
  for (const shown of refused)
    await assert.rejects(shell("true", { readOnly: [shown] }), { code: "sandbox/read-only" });
});

test("a network cannot be asked for", async () => {
  await assert.rejects(shell("true", { network: { allow: [] } }), { code: "sandbox/no-network" });
});

test("all dies when either of the two that watch over it is killed", async () => {
  const launcherOf = () =>
    childrenOf(process.pid).find((pid) => readIfThere(`/proc/${pid}/cmdline`)?.includes("landlock-launcher"));
  for (const victim of ["guard", "nurse"] as const) {
    const running = shell("(setsid sleep 57.3311 &); sleep 57.3311 & wait");
    for (let poll = 0; poll < 500 && processesWith("sleep\x0057.3311").length < 2; poll++) await sleep(10);
    assert.equal(processesWith("sleep\x0057.3311").length, 2);
    const guard = launcherOf() ?? 0;
    process.kill(victim === "guard" ? guard : (childrenOf(guard)[0] ?? 0), "SIGKILL");
    await assert.rejects(running, { code: "sandbox/start" }, victim);
    assert.deepEqual(processesWith("sleep\x0057.3311"), [], victim);
  }
});

test("leaves no scratch folder, and none when it could not run", async () => {
  const scratch = () => readdirSync(base).filter((name) => name.startsWith("atos-command-"));
  const usual = process.env["TMPDIR"];
  process.env["TMPDIR"] = base;
  try {
    await shell("mkdir -p $TMPDIR/a/b; touch $TMPDIR/a/b/c");
    const aborted = sandbox.run({ command: ["sleep", "30"], root }, AbortSignal.timeout(100));
    await assert.rejects(aborted, { name: "TimeoutError" });
    assert.deepEqual(scratch(), []);
  } finally {
    if (usual === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = usual;
  }
});
