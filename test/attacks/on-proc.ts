import type { Attack } from "./attack.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "/proc", name, ...rest });

export const ON_PROC: readonly Attack[] = [
  attack("the environment of a process outside, by its number and by all numbers there are", {
    program: {
      sh: "tr '\\0' '\\n' < /proc/$VICTIM/environ; cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -a TOKEN",
    },
  }),
  attack("the environment, by way of a folder of a process of its own", {
    program: {
      sh: "tr '\\0' '\\n' < /proc/self/task/../../$VICTIM/environ; tr '\\0' '\\n' < /proc/thread-self/../../../$VICTIM/task/$VICTIM/environ",
    },
  }),
  attack("the arguments of a process outside", { program: { sh: "cat /proc/$VICTIM/cmdline; ps axww 2>/dev/null" } }),
  attack("the file system as another process sees it: /proc/N/root and /proc/N/cwd", {
    program: {
      sh: "for pid in self 1 2 $PPID $ATOS $VICTIM; do cat /proc/$pid/root$SECRET_FILE; cat /proc/$pid/cwd/secret.txt; done",
    },
  }),
  attack("what a process outside has open: /proc/N/fd and map_files", {
    program: {
      sh: "cat /proc/$VICTIM/fd/0; for file in /proc/$ATOS/fd/*; do readlink $file; done | grep -c . > /dev/null",
    },
  }),
  attack("the memory of a process outside", {
    needsRights: true,
    program: {
      python: `
maps = open(f"/proc/{VICTIM}/maps").read()
start, end = next(line for line in maps.splitlines() if "[stack]" in line).split()[0].split("-")
with open(f"/proc/{VICTIM}/mem", "rb", 0) as memory:
    memory.seek(int(start, 16))
    found = memory.read(int(end, 16) - int(start, 16))
    if b"swordfish" in found: print("BROKE read its memory")`,
    },
  }),
  attack("settings of the kernel, opened to be written", {
    needsRights: true,
    program: {
      python: `
for path in ["kernel/core_pattern", "kernel/modprobe", "kernel/hostname", "vm/overcommit_memory", "fs/binfmt_misc/register", "net/ipv4/ip_forward"]:
    attempt(path + " can be written", lambda: os.close(os.open("/proc/sys/" + path, os.O_WRONLY)))`,
    },
  }),
  attack("the machine's switches: sysrq-trigger, kcore, kmsg, kpageflags, timer_list", {
    needsRights: true,
    program: {
      python: `
for path, how in [("sysrq-trigger", os.O_WRONLY), ("kcore", os.O_RDONLY), ("kmsg", os.O_RDONLY), ("kpageflags", os.O_RDONLY), ("timer_list", os.O_RDONLY), ("mtrr", os.O_WRONLY)]:
    attempt("/proc/" + path + " was opened", lambda: os.close(os.open("/proc/" + path, how | os.O_NONBLOCK)))`,
    },
  }),
  attack("its own importance when memory runs out, lowered below everybody's", {
    control: { none: "root of a container may not do that either" },
    program: {
      python: `
print("TRIED", flush=True)
def lower():
    with open("/proc/self/oom_score_adj", "w") as score: score.write("-900")
attempt("it will be killed last", lower)`,
    },
  }),
  attack("a file shown read-only, opened again for writing by /proc/self/fd", {
    program: {
      python: `
held = os.open(env["SHOWN"] + "/tool", os.O_RDONLY)
for path in [f"/proc/self/fd/{held}", f"/dev/fd/{held}", f"/proc/self/root{env['SHOWN']}/tool", f"/proc/thread-self/fd/{held}"]:
    attempt("written by " + path, lambda: os.write(os.open(path, os.O_WRONLY | os.O_TRUNC), b"changed"))
try: os.fchmod(held, 0o4777)
except OSError as error: print(error, file=sys.stderr)
attempt("it was truncated", lambda: os.truncate(env["SHOWN"] + "/tool", 0))
attempt("it was linked to", lambda: os.link(env["SHOWN"] + "/tool", "tool"))
attempt("it was renamed", lambda: os.rename(env["SHOWN"] + "/tool", env["SHOWN"] + "/gone"))`,
    },
  }),
  attack("the name spaces of a process outside, entered", {
    needsRights: true,
    program: {
      python: `
for kind in ["net", "mnt", "pid", "user", "ipc"]:
    def enter():
        space = os.open(f"/proc/{VICTIM}/ns/{kind}", os.O_RDONLY)
        must(libc.setns(space, 0))
    attempt("entered " + kind, enter)`,
    },
  }),
  attack("the list of the machine's sockets", {
    program: {
      sh: 'cat /proc/net/unix /proc/self/net/unix /proc/$ATOS/net/unix | grep -q "@$BASE" && echo BROKE the names of sockets outside',
    },
  }),
  attack("a name space of users, given a map of its own", {
    needsRights: true,
    program: {
      python: `
def become():
    must(sys_call(272, 97, 0x10000000))
    open("/proc/self/setgroups", "w").write("deny")
    open("/proc/self/uid_map", "w").write("0 %d 1" % before)
before = os.getuid()
attempt("it is root in a name space of its own", become)`,
    },
  }),
];
