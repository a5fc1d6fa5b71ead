import type { Attack } from "./attack.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "device files", name, ...rest });

const TERMINAL = `
import fcntl, termios
main, own = os.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(own, termios.TIOCSCTTY, 0)`;

export const ON_DEVICES: readonly Attack[] = [
  attack("devices made by mknod: memory, disk, kernel log", {
    needsRights: true,
    program: {
      python: `
import stat
for name, kind, major, minor in [("mem", stat.S_IFCHR, 1, 1), ("kmsg", stat.S_IFCHR, 1, 11), ("disk", stat.S_IFBLK, 254, 0), ("loop", stat.S_IFBLK, 7, 0)]:
    for folder in [".", "/tmp", "/dev/shm"]:
        path = f"{folder}/{name}-{env['MARK']}"
        def make():
            os.mknod(path, kind | 0o666, os.makedev(major, minor))
            os.unlink(path)
        attempt("made " + path, make)`,
    },
  }),
  attack("the machine's own devices: memory, disks, kernel log, virtual machines, tunnels", {
    needsRights: true,
    program: {
      python: `
names = ["mem", "kmem", "port", "kmsg", "fuse", "kvm", "net/tun", "vhost-net", "vsock", "loop-control", "loop0", "vda", "sda", "nvme0n1", "console", "tty0", "tty1", "snapshot", "btrfs-control", "uinput", "hwrng"]
for name in names:
    if os.path.lexists("/dev/" + name):
        attempt("opened /dev/" + name, lambda: os.close(os.open("/dev/" + name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)))
    else: print("no " + name, file=sys.stderr)`,
    },
  }),
  attack("keys typed into a terminal: TIOCSTI", {
    needsRights: true,
    program: {
      python: `${TERMINAL}
    attempt("typed", lambda: must(sys_call(16, 29, own, 0x5412, ctypes.c_char_p(b"x"))))
    os._exit(0)
os.waitpid(child, 0)`,
    },
  }),
  attack("keys typed into a terminal: TIOCSTI with a bit where the filter may not look", {
    needsRights: true,
    program: {
      python: `${TERMINAL}
    attempt("typed", lambda: must(sys_call(16, 29, own, ctypes.c_ulong(0x100005412), ctypes.c_char_p(b"x"))))
    os._exit(0)
os.waitpid(child, 0)`,
    },
  }),
  attack("a selection pasted into a console: TIOCLINUX", {
    control: { none: "it would need a console of the machine, and paste into what runs there" },
    program: {
      python: `
print("TRIED", flush=True)
${TERMINAL}
    attempt("asked", lambda: must(sys_call(16, 29, own, 0x541C, ctypes.c_char_p(bytes([3, 0, 0, 0])))))
    os._exit(0)
os.waitpid(child, 0)`,
    },
  }),
  attack("the terminal of whoever started ATOS", {
    control: { none: "the tests have no terminal" },
    program: {
      python: `
attempt("has a terminal", lambda: os.close(os.open("/dev/tty", os.O_RDWR)))
for number in range(64):
    path = f"/dev/pts/{number}"
    if os.path.exists(path): attempt("opened " + path, lambda: os.close(os.open(path, os.O_RDWR | os.O_NOCTTY)))
print("TRIED")`,
    },
  }),
  attack("a file planted among the devices", {
    needsRights: true,
    program: { sh: 'touch "/dev/$MARK" && rm "/dev/$MARK" && echo BROKE /dev can be written' },
  }),
  attack("a sparse file far larger than the disk", {
    limits: { fileMib: 16 },
    program: {
      python: `
for size in [1 << 40, 1 << 31]:
    def grow():
        with open("sparse", "wb") as file: os.ftruncate(file.fileno(), size)
    attempt(f"a file of {size} bytes", grow)`,
    },
  }),
  attack("space claimed without writing: fallocate", {
    limits: { fileMib: 16 },
    program: {
      python: `
with open("claimed", "wb") as file:
    attempt("claimed 48 MiB for one file", lambda: os.posix_fallocate(file.fileno(), 0, 48 << 20))`,
    },
  }),
  attack("the machine's name", {
    needsRights: true,
    program: {
      python: `
name = socket.gethostname().encode()
attempt("set the name, to what it is", lambda: must(sys_call(170, 161, ctypes.c_char_p(name), len(name))))`,
    },
  }),
];
