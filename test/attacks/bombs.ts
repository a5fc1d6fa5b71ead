import { statSync } from "node:fs";
import { join } from "node:path";
import type { SandboxReport } from "../../src/sandbox/sandbox.ts";
import type { Attack } from "./attack.ts";
import type { Prey } from "./prey.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "fork, memory, disk, output and descriptor bombs", name, ...rest });

const MIB = 1 << 20;
const memory = { memoryMib: 96 };
const disk = { diskMib: 16, fileMib: 64 };

/** It got to the end of what it wanted, which is far above its limit. */
const reachedItsEnd = (what: string) => (_: Prey, report: SandboxReport) =>
  report.stdout.includes("REACHED") ? [what] : [];

/** Python that takes memory until it has `mib`, or is stopped, and holds it for a while. */
const takes = (mib: number) => `
kept = []
for _ in range(${mib / 8}):
    kept.append(b"x" * (8 << 20))
    time.sleep(0.01)
time.sleep(0.5)
print("REACHED", flush=True)`;

const overMemory = reachedItsEnd("it held several times its memory");

export const BOMBS: readonly Attack[] = [
  attack("processes that start processes", {
    limits: { processes: 40 },
    program: {
      python: `
born = 0
for _ in range(250):
    try:
        if os.fork() == 0: time.sleep(1.5); os._exit(0)
        born += 1
    except OSError: time.sleep(0.002)
if born > 160: print(f"BROKE {born} processes at once")`,
    },
  }),
  attack("threads without end", {
    limits: { processes: 40 },
    program: {
      python: `
import threading
threading.stack_size(65536)
born = 0
for _ in range(400):
    try:
        threading.Thread(target=time.sleep, args=(1.5,), daemon=True).start()
        born += 1
    except RuntimeError: break
if born > 160: print(f"BROKE {born} threads at once", flush=True)
os._exit(0)`,
    },
  }),
  attack("memory of one process", { limits: memory, program: { python: takes(320) }, judge: overMemory }),
  attack("memory of many small processes", {
    limits: memory,
    program: {
      python: `
for _ in range(24):
    if os.fork() == 0:
        kept = os.urandom(1 << 20) * 14
        time.sleep(1.2)
        os._exit(0)
time.sleep(1)
print("REACHED", flush=True)`,
    },
    judge: overMemory,
  }),
  attack("memory shared between processes that hold it for a moment only", {
    limits: memory,
    program: {
      python: `
import mmap
kept = [mmap.mmap(-1, 16 << 20) for _ in range(20)]
for part in kept:
    part.write(b"x" * (16 << 20))
    time.sleep(0.02)
time.sleep(0.3)
print("REACHED", flush=True)`,
    },
    judge: overMemory,
  }),
  attack("memory without a process: files in /tmp, /dev/shm, /home", {
    limits: { ...memory, fileMib: 200 },
    program: {
      python: `
total = 0
for folder in [os.environ.get("TMPDIR", "/tmp"), "/dev/shm", os.environ.get("HOME", "/home"), "/tmp"]:
    path = f"{folder}/fill-{env['MARK']}"
    try:
        with open(path, "wb") as file:
            for _ in range(80): total += file.write(b"x" * (1 << 20))
    except OSError as error: print(error, file=sys.stderr)
time.sleep(0.4)
print(f"{total >> 20} MiB")
if total > 200 << 20: print("REACHED", flush=True)
for folder in ["/tmp", "/dev/shm", os.environ.get("HOME", "/home")]:
    try: os.unlink(f"{folder}/fill-{env['MARK']}")
    except OSError: pass`,
    },
    judge: overMemory,
  }),
  attack("memory without a name: memfd and System V segments", {
    limits: memory,
    program: {
      python: `
total = 0
for index in range(12):
    try:
        file = os.memfd_create("x")
        os.ftruncate(file, 32 << 20)
        for _ in range(32): total += os.write(file, b"x" * (1 << 20))
    except OSError as error: print(error, file=sys.stderr)
time.sleep(0.3)
if total > 200 << 20: print("REACHED", flush=True)`,
    },
    judge: overMemory,
  }),
  attack("memory in pipes", {
    needsRights: true,
    limits: memory,
    program: {
      python: `
import fcntl, resource
total = 0
kept = []
try: resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
except (OSError, ValueError): pass
for _ in range(450):
    try:
        read, write = os.pipe()
        kept.append((read, write))
        os.set_blocking(write, False)
        try: fcntl.fcntl(write, 1031, 1 << 20)
        except OSError: pass
        while True: total += os.write(write, b"x" * 65536)
    except BlockingIOError: pass
    except OSError: break
    if total > 200 << 20: break
print(f"{total >> 20} MiB")
time.sleep(0.2)
if total > 192 << 20: print("REACHED", flush=True)`,
    },
    judge: overMemory,
  }),
  attack("memory in the buffers of sockets", {
    limits: memory,
    program: {
      python: `
total = 0
kept = []
for _ in range(480):
    try:
        pair = socket.socketpair()
        kept.append(pair)
        for end in pair:
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
            try:
                while True: total += end.send(b"x" * 32768)
            except BlockingIOError: pass
    except OSError: break
    if total > 200 << 20: break
print(f"{total >> 20} MiB")
time.sleep(0.3)
if total > 150 << 20: print("REACHED", flush=True)`,
    },
    judge: overMemory,
    notPromised: {
      bubblewrap: "memory that the kernel holds for a command, such as socket buffers, is not counted",
      landlock: "memory that the kernel holds for a command, such as socket buffers, is not counted",
    },
  }),
  attack("one file beyond its limit", {
    limits: { fileMib: 4 },
    program: { sh: "head -c 20000000 /dev/zero > large; true" },
    judge: ({ root }) => (statSync(join(root, "large")).size > 4 * MIB ? ["the file is larger than its limit"] : []),
  }),
  attack("many files", {
    limits: disk,
    program: {
      sh: "i=0; while [ $i -lt 64 ]; do head -c 2000000 /dev/zero > f$i; i=$((i+1)); sleep 0.02; done; echo REACHED",
    },
    judge: reachedItsEnd("it wrote eight times what it may"),
  }),
  attack("a flood of empty files", {
    limits: { ...disk, diskMib: 4 },
    program: {
      python: `
for index in range(8000):
    os.close(os.open("e%d" % index, os.O_CREAT | os.O_WRONLY))
    if index % 400 == 0: time.sleep(0.01)
time.sleep(0.6)
print("REACHED", flush=True)`,
    },
    judge: reachedItsEnd("it made 8,000 files"),
  }),
  attack("files in folders deeper than a path can name", {
    limits: { ...disk },
    program: {
      python: `
for _ in range(60):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
for index in range(40):
    with open("f%d" % index, "wb") as file: file.write(b"x" * (2 << 20))
    time.sleep(0.02)
time.sleep(0.6)
print("REACHED", flush=True)`,
    },
    judge: reachedItsEnd("it wrote five times what it may, out of sight"),
  }),
  attack("files deleted and still open", {
    limits: disk,
    program: {
      python: `
kept = []
for index in range(40):
    file = open("gone", "w+b")
    kept.append(file)
    file.write(b"x" * (2 << 20))
    file.flush()
    os.unlink("gone")
    time.sleep(0.02)
time.sleep(0.6)
print("REACHED", flush=True)`,
    },
    judge: reachedItsEnd("it holds five times what it may"),
  }),
  attack("files deleted, closed, and held by a mapping alone", {
    limits: disk,
    program: {
      python: `
import mmap
kept = []
for index in range(40):
    file = open("gone", "w+b")
    file.write(b"x" * (2 << 20))
    file.flush()
    kept.append(mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ))
    file.close()
    os.unlink("gone")
    time.sleep(0.02)
time.sleep(0.6)
print("REACHED", flush=True)`,
    },
    judge: reachedItsEnd("it holds five times what it may"),
  }),
  attack("files deleted and held open by a process that hides: it is not to be dumped", {
    limits: disk,
    program: {
      python: `
libc.prctl(4, 0, 0, 0, 0)
kept = []
for index in range(40):
    file = open("gone", "w+b")
    kept.append(file)
    file.write(b"x" * (2 << 20))
    file.flush()
    os.unlink("gone")
    time.sleep(0.02)
time.sleep(0.6)
print("REACHED", flush=True)`,
    },
    judge: reachedItsEnd("it holds five times what it may"),
  }),
  attack("files deleted and in flight between two sockets", {
    limits: disk,
    program: {
      python: `
import array
one, two = socket.socketpair()
for index in range(40):
    file = open("gone", "w+b")
    file.write(b"x" * (2 << 20))
    file.flush()
    os.unlink("gone")
    one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))])
    file.close()
    time.sleep(0.02)
time.sleep(0.6)
print("REACHED", flush=True)`,
    },
    judge: reachedItsEnd("it holds five times what it may"),
  }),
  attack("files in folders that it closed to all", {
    limits: disk,
    program: {
      sh: "mkdir closed; cd closed; chmod 300 .; i=0; while [ $i -lt 40 ]; do head -c 2000000 /dev/zero > f$i; i=$((i+1)); sleep 0.02; done; sleep 0.5; echo REACHED",
    },
    judge: reachedItsEnd("it wrote five times what it may"),
  }),
  attack("output without end", {
    limits: { outputBytes: 50_000 },
    program: { sh: "head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero >&2; echo REACHED" },
    judge: (_, report) => (report.stdout.length + report.stderr.length > 60_000 ? ["more output than its limit"] : []),
  }),
  attack("output without a line's end, in bytes that are no text, by many processes", {
    limits: { outputBytes: 50_000 },
    program: { sh: "for i in 1 2 3 4 5 6 7 8; do head -c 500000 /dev/urandom & done; wait" },
    judge: (_, report) => (report.stdout.length > 60_000 ? ["more output than its limit"] : []),
  }),
  attack("descriptors without end", {
    program: {
      python: `
import resource
kept = []
try: resource.setrlimit(resource.RLIMIT_NOFILE, (4000, 4000))
except (OSError, ValueError): pass
try:
    for _ in range(3000): kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError: pass
if len(kept) > 1100: print(f"BROKE {len(kept)} open files")`,
    },
  }),
  attack("its own limits, raised", {
    program: {
      python: `
import resource
for name in ["NPROC", "NOFILE", "FSIZE", "CPU", "CORE"]:
    kind = getattr(resource, "RLIMIT_" + name)
    limit = {"NPROC": 40000, "NOFILE": 3500, "FSIZE": 1 << 40, "CPU": 90000, "CORE": 1 << 20}[name]
    def lift(): resource.setrlimit(kind, (limit, limit))
    try: attempt("raised " + name, lift)
    except ValueError as error: print(error, file=sys.stderr)`,
    },
  }),
  attack("processor time without end, in one process", {
    limits: { cpuSeconds: 1 },
    program: {
      python:
        "\nuntil = time.process_time() + 1.8\nwhile time.process_time() < until: pass\nprint('REACHED', flush=True)",
    },
    judge: reachedItsEnd("it had more time than its limit"),
  }),
  attack("time without end", {
    limits: { wallMs: 700 },
    program: { sh: "trap '' TERM INT HUP ALRM; sleep 1.5; sleep 1.5; echo REACHED; sleep 0.0" },
    judge: (_, report) => (report.durationMs > 2500 ? ["it went on far longer than its limit"] : []),
  }),
  attack("names without end: links to one file", {
    limits: { ...disk, diskMib: 4 },
    program: {
      python: `
open("one", "w").close()
for index in range(8000):
    os.symlink("one", "l%d" % index)
    if index % 400 == 0: time.sleep(0.01)
time.sleep(0.6)
print("REACHED", flush=True)`,
    },
    judge: reachedItsEnd("it made 8,000 links"),
  }),
];
