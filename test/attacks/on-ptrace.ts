import type { Attack } from "./attack.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "ptrace and signals", name, ...rest });

const tries = (name: string, lines: string, rest: Partial<SandboxAttack> = {}): Attack =>
  attack(name, {
    needsRights: /ptrace|memory|taken over|shares/.test(name),
    program: { python: `\n${lines}` },
    ...rest,
  });

export const ON_PTRACE: readonly Attack[] = [
  tries(
    "a process outside, attached to by ptrace",
    `
for name, request in [("attached", 16), ("seized", 0x4206)]:
    def attach():
        must(sys_call(101, 117, request, VICTIM, 0, 0))
        time.sleep(0.05)
        sys_call(101, 117, 17, VICTIM, 0, 0)
    attempt(name, attach)`,
  ),
  tries(
    "the memory of a process outside, read by process_vm_readv",
    `
start = int(env["STACK"], 16)
size = 4096
for back in range(1, 30):
    into = ctypes.create_string_buffer(size)
    class Part(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
    own, other = Part(ctypes.addressof(into), size), Part(start - back * size, size)
    if libc.process_vm_readv(VICTIM, ctypes.byref(own), 1, ctypes.byref(other), 1, 0) > 0 and b"swordfish" in into.raw:
        print("BROKE read its memory")`,
    { prepare: (prey) => ({ STACK: prey.stackEnd() }) },
  ),
  tries(
    "the memory of a process outside, written by process_vm_writev",
    `
class Part(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
from_ = ctypes.create_string_buffer(b"\\0")
own, other = Part(ctypes.addressof(from_), 1), Part(int(env["STACK"], 16) - 1, 1)
attempt("wrote a byte", lambda: must(libc.process_vm_writev(VICTIM, ctypes.byref(own), 1, ctypes.byref(other), 1, 0)))`,
    { prepare: (prey) => ({ STACK: prey.stackEnd() }) },
  ),
  tries(
    "a process outside, ended by a signal",
    `
for number in (signal.SIGTERM, signal.SIGKILL):
    try: os.kill(VICTIM, number)
    except OSError as error: print(error, file=sys.stderr)`,
  ),
  tries("a process outside, stopped by a signal", `os.kill(VICTIM, signal.SIGSTOP)`),
  tries(
    "a process outside, signalled by its thread, its group, or with a value",
    `
def group():
    os.killpg(os.getpgid(VICTIM), 0)
attempt("its group answers", group)
attempt("its thread answers", lambda: must(sys_call(200, 130, VICTIM, 0)))
attempt("a thread of its group answers", lambda: must(sys_call(234, 131, VICTIM, VICTIM, 0)))
attempt("ATOS answers", lambda: os.kill(int(env["ATOS"]), 0))`,
  ),
  tries(
    "a process outside, held by a descriptor",
    `
def signal_it():
    held = os.pidfd_open(VICTIM)
    must(sys_call(424, 424, held, 9, 0, 0))
attempt("killed it", signal_it)`,
  ),
  tries(
    "an open file of a process outside, taken over",
    `
def take():
    held = os.pidfd_open(VICTIM)
    print(os.pread(must(sys_call(438, 438, held, 0, 0)), 100, 0).decode())
attempt("took it", take)`,
  ),
  tries(
    "a signal sent by the kernel for a socket that is owned by a process outside",
    `
import fcntl
one, two = socket.socketpair()
def own():
    fcntl.fcntl(one, fcntl.F_SETOWN, VICTIM)
    fcntl.fcntl(one, 10, signal.SIGKILL)
    fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    two.send(b"x")
    time.sleep(0.1)
own()`,
  ),
  tries(
    "the limits of a process outside, set",
    `
import resource
attempt("set its limit on core dumps to what it is", lambda: resource.prlimit(VICTIM, resource.RLIMIT_CORE, (0, 0)))
attempt("read its limits", lambda: resource.prlimit(VICTIM, resource.RLIMIT_NOFILE))`,
    { asPreysUser: true },
  ),
  tries(
    "a process outside, made slow: its priority, its processors, its scheduling",
    `
attempt("its priority was set", lambda: os.setpriority(os.PRIO_PROCESS, VICTIM, 5))
attempt("its processors were set", lambda: os.sched_setaffinity(VICTIM, {0}))
attempt("its scheduling was set", lambda: os.sched_setscheduler(VICTIM, os.SCHED_IDLE, os.sched_param(0)))
attempt("its disk priority was set", lambda: must(sys_call(251, 30, 1, VICTIM, (3 << 13))))`,
  ),
  tries(
    "all processes of its user, made slow",
    `
if os.getuid() != 0: attempt("the priority of all was set", lambda: os.setpriority(os.PRIO_USER, 0, 1))
time.sleep(0.05)`,
    {
      control: { none: "without the wall it would slow down everything of the user" },
      program: {
        python:
          "\nprint('TRIED')\nif os.getuid() != 0:\n    try: os.setpriority(os.PRIO_USER, 0, 1)\n    except OSError as error: print(error, file=sys.stderr)",
      },
      judge: (prey) => (prey.victimNice() === 0 ? [] : ["a process outside got a worse priority"]),
    },
  ),
  tries(
    "what a process outside shares with this one, and its list of locks",
    `
attempt("two processes compared", lambda: must(sys_call(312, 272, os.getpid(), VICTIM, 2, 0, 0)))
attempt("its list of robust locks was told", lambda: must(sys_call(274, 100, VICTIM, ctypes.byref(ctypes.c_void_p()), ctypes.byref(ctypes.c_size_t()))))`,
  ),
  tries(
    "the kernel's counters of others: perf, bpf, userfaultfd",
    `
attr = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0) + bytes(96))
attempt("opened perf", lambda: must(sys_call(298, 241, attr, ctypes.c_long(0), ctypes.c_long(-1), ctypes.c_long(-1), 0)))
attempt("made a map for bpf", lambda: must(sys_call(321, 280, 0, ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1) + bytes(100)), 72)))
attempt("opened userfaultfd", lambda: must(sys_call(323, 282, 1)))`,
    { needsRights: true },
  ),
];
