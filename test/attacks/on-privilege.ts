import { chmodSync, copyFileSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Attack } from "./attack.ts";
import type { Prey } from "./prey.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "setuid and privilege", name, ...rest });

const tries = (name: string, lines: string, rest: Partial<SandboxAttack> = {}): Attack =>
  attack(name, { program: { python: `\n${lines}` }, ...rest });

/** Files of the workspace that run with their owner's power, or with capabilities. */
function privileged({ root }: Prey): string[] {
  return readdirSync(root)
    .filter((name) => (lstatSync(join(root, name)).mode & 0o6000) !== 0 && lstatSync(join(root, name)).isFile())
    .map((name) => `${name} in the workspace runs as its owner`);
}

export const ON_PRIVILEGE: readonly Attack[] = [
  attack("programs that make one root: su, sudo, pkexec, newgrp, mount", {
    needsRights: true,
    program: {
      sh: `for command in "su root -c" "sudo -n sh -c" "pkexec sh -c" "setpriv --reuid=0 --clear-groups sh -c" "nsenter -t 1 -m sh -c"; do
  timeout 2 $command 'cat "$BASE/private.txt"' < /dev/null; done; true`,
    },
  }),
  tries(
    "a program that runs as its owner, which it left in the workspace by chmod",
    `
import shutil
shutil.copy("/bin/true", "plain")
for name, change in [("chmod", lambda: os.chmod("a", 0o4755)), ("fchmod", lambda: os.fchmod(os.open("b", os.O_RDONLY), 0o6755)),
                     ("fchmodat2", lambda: must(sys_call(452, 452, ctypes.c_long(-100), ctypes.c_char_p(b"c"), 0o4755, 0)))]:
    for copy in "abc":
        if not os.path.exists(copy): shutil.copy("/bin/true", copy)
    try: change()
    except OSError as error: print(name, error, file=sys.stderr)`,
    { judge: privileged },
  ),
  tries(
    "a program that runs as its owner, made so when it was created",
    `
os.umask(0)
for name, make in [("open", lambda: os.open("a", os.O_CREAT | os.O_WRONLY, 0o4755)), ("mknod", lambda: os.mknod("b", 0o104755)),
                   ("creat", lambda: must(libc.creat(ctypes.c_char_p(b"c"), 0o6755))),
                   ("openat2", lambda: must(sys_call(437, 437, ctypes.c_long(-100), ctypes.c_char_p(b"d"), ctypes.create_string_buffer(struct.pack("QQQ", 0o101, 0o4755, 0)), 24)))]:
    try: make()
    except OSError as error: print(name, error, file=sys.stderr)`,
    { judge: privileged },
  ),
  tries(
    "a program that runs as its owner, planted by whoever had the workspace before",
    `
import subprocess
print(subprocess.run(["./planted", "-c", "import os; print(os.geteuid()); print(open(os.environ['BASE'] + '/private.txt').read())"], capture_output=True, text=True).stdout)`,
    {
      needsRights: true,
      prepare: (prey) => {
        copyFileSync("/usr/bin/python3", join(prey.root, "planted"));
        chmodSync(join(prey.root, "planted"), 0o4755);
      },
    },
  ),
  tries(
    "capabilities given to a file",
    `
import shutil
shutil.copy("/bin/true", "a")
attempt("gave it all capabilities", lambda: os.setxattr("a", "security.capability", struct.pack("<IIIII", 0x02000001, 0xffffffff, 0, 0xffffffff, 0)))`,
    { needsRights: true },
  ),
  tries(
    "name spaces of its own, in each way there is",
    `
import subprocess
for kind in [0x10000000, 0x00020000, 0x40000000, 0x20000000, 0x08000000, 0x04000000, 0x02000000]:
    if os.fork() == 0:
        attempt("unshare %x" % kind, lambda: must(sys_call(272, 97, kind)))
        os._exit(0)
    os.wait()
def cloned():
    child = must(sys_call(56, 220, 0x10000000 | 17, 0, 0, 0, 0))
    if child == 0: os._exit(0)
    os.waitpid(child, 0)
attempt("clone", cloned)
def cloned3():
    child = must(sys_call(435, 435, ctypes.create_string_buffer(struct.pack("QQQQQQQQ", 0x10000000, 0, 0, 0, 17, 0, 0, 0)), 64))
    if child == 0: os._exit(0)
    os.waitpid(child, 0)
attempt("clone3", cloned3)`,
    { needsRights: true },
  ),
  tries(
    "mounts: over the workspace, by the old calls and the new",
    `
os.mkdir("m")
def mount():
    must(libc.mount(ctypes.c_char_p(b"none"), ctypes.c_char_p(b"m"), ctypes.c_char_p(b"tmpfs"), 0, None))
    libc.umount2(ctypes.c_char_p(b"m"), 2)
attempt("mounted", mount)
attempt("opened a file system", lambda: os.close(must(sys_call(430, 430, ctypes.c_char_p(b"tmpfs"), 0))))
attempt("took a tree", lambda: os.close(must(sys_call(428, 428, ctypes.c_long(-100), ctypes.c_char_p(b"m"), 1))))`,
    { needsRights: true },
  ),
  tries("a new root folder", `attempt("chroot", lambda: os.chroot("."))`, { needsRights: true }),
  tries(
    "a file by its number on the disk, not by its path",
    `
class Handle(ctypes.Structure): _fields_ = [("size", ctypes.c_uint), ("kind", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]
handle = Handle(size=128)
raw = bytes.fromhex(env["HANDLE"])
handle.size, handle.kind = len(raw) - 4, struct.unpack("i", raw[:4])[0]
ctypes.memmove(handle.data, raw[4:], len(raw) - 4)
folder = os.open(".", os.O_RDONLY)
print(os.read(must(sys_call(304, 265, folder, ctypes.byref(handle), 0)), 100).decode())`,
    {
      needsRights: true,
      prepare: (prey) => ({ HANDLE: prey.handle() }),
    },
  ),
  tries(
    "another user: setuid, setgroups, capabilities and the flag that forbids them",
    `
if os.getuid() != 0:
    for name, change in [("setuid", lambda: os.setuid(0)), ("setresuid", lambda: os.setresuid(0, 0, 0)), ("setgid", lambda: os.setgid(0)), ("setgroups", lambda: os.setgroups([0]))]:
        attempt(name, change)
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
if status["NoNewPrivs"].strip() != "1": print("BROKE it may gain privileges")
for name in ["CapPrm", "CapEff", "CapInh", "CapAmb"]:
    if int(status[name], 16) & ~4: print("BROKE it has capabilities: " + name + status[name])
if status["Seccomp"].strip() != "2": print("BROKE no system call filter")`,
  ),
  tries(
    "the owner of files, changed",
    `
open("a", "w").close()
for path, user in [("a", 0), (env["SECRET_FILE"], 1), (env["SECRET_FILE"], os.getuid() + 1)]:
    try: os.chown(path, user, user)
    except OSError as error: print(path, error, file=sys.stderr)
# Some walls say yes and do nothing.
if os.getuid() != 0 and os.stat("a").st_uid == 0: print("BROKE gave a file to root")`,
    { needsRights: true },
  ),
  tries(
    "code for the kernel, and another kernel",
    `
attempt("loading a module was not refused", lambda: (sys_call(313, 273, 0, ctypes.c_char_p(b""), 0), must(-1) if ctypes.get_errno() == 1 else None))
attempt("swap was not refused", lambda: (libc.swapoff(ctypes.c_char_p(b"/nonexistent")), must(-1) if ctypes.get_errno() == 1 else None))`,
    { needsRights: true },
  ),
];
