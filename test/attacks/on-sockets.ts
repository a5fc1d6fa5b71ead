import { networkInterfaces } from "node:os";
import type { Attack } from "./attack.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "sockets", name, ...rest });

const python = (lines: string): Pick<SandboxAttack, "program"> => ({
  program: { python: `\nsocket.setdefaulttimeout(1)\n${lines}` },
});

export const ON_SOCKETS: readonly Attack[] = [
  attack("TCP to a service on this machine, by every name it has", {
    ...python(`
for host in ["127.0.0.1", "127.1.2.3", "0.0.0.0", "localhost", "::ffff:127.0.0.1"]:
    try: print(socket.create_connection((host, int(env["PORT"]))).recv(100).decode())
    except OSError as error: print(host, error, file=sys.stderr)`),
  }),
  attack("TCP with data in its first packet, past whoever guards connect()", {
    needsRights: true,
    ...python(`
for protocol in (0, 262):
    try:
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
        one.sendto(b"x", 0x20000000, ("127.0.0.1", int(env["PORT"])))
        print(one.recv(100).decode())
    except OSError as error: print(error, file=sys.stderr)`),
  }),
  attack("TCP over several paths (MPTCP), which is another protocol to a filter", {
    needsRights: true,
    ...python(`
one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
one.connect(("127.0.0.1", int(env["PORT"])))
print(one.recv(100).decode())`),
  }),
  attack("a service of its own, open to the machine and the network", {
    ...python(`
one = socket.socket()
one.bind(("0.0.0.0", 0))
one.listen()
port = one.getsockname()[1]
# Whether it is the machine's own loopback that it listens on: the port that ATOS's prey has is taken there.
other = socket.socket()
try: other.bind(("127.0.0.1", int(env["PORT"])))
except OSError as error:
    if error.errno == errno.EADDRINUSE: print("BROKE it listens beside the machine's own services")`),
  }),
  attack("datagrams out: names looked up, and what is sent with the question", {
    needsRights: true,
    ...python(`
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
attempt("sent a datagram to another machine", lambda: one.sendto(b"x", ("192.0.2.77", 9)))
attempt("sent one to all", lambda: (one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1), one.sendto(b"x", ("255.255.255.255", 9))))`),
  }),
  attack("the addresses of clouds: metadata, link-local", {
    control: { none: "this machine has none, and the tests ask no real one" },
    ...python(`
for host in ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        one = socket.socket(family, socket.SOCK_STREAM)
        one.settimeout(0.3)
        one.connect((host, 80))
        print("BROKE reached " + host)
    except OSError as error:
        print(host, error, file=sys.stderr)
        if isinstance(error, TimeoutError): print("BROKE packets for " + host + " leave")
print("TRIED")`),
  }),
  attack("hosts beside those that it is allowed, through the proxy and past it", {
    mayBeRefused: true,
    network: { allow: [{ host: "site.example", port: 443 }] },
    ...python(`
import re
port = int(env["PORT"])
proxy = re.search(r":(\\d+)", env.get("HTTPS_PROXY", "http://127.0.0.1:9"))
def raw(address, text):
    try:
        one = socket.create_connection(address)
        one.sendall(text.encode())
        print(one.recv(200).decode(errors="replace"))
    except OSError as error: print(address, error, file=sys.stderr)
for host in ["127.0.0.1", "localhost", "[::1]", "site.example@127.0.0.1", "0x7f.1"]:
    raw(("127.0.0.1", int(proxy[1])), f"CONNECT {host}:{port} HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n")
    raw(("127.0.0.1", int(proxy[1])), f"GET http://{host}:{port}/ HTTP/1.1\\r\\nHost: site.example\\r\\n\\r\\n")
raw(("127.0.0.1", port), "")
for name in os.listdir("/proc/self/fd"):
    try: print(os.readlink("/proc/self/fd/" + name), file=sys.stderr)
    except OSError: pass`),
  }),
  attack("the way to the proxy, ended, replaced or listened at", {
    mayBeRefused: true,
    network: { allow: [{ host: "site.example", port: 443 }] },
    ...python(`
try: pids = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]
except OSError: pids = []
for pid in pids:
    if env.get("HTTPS_PROXY"):
        try: os.kill(pid, signal.SIGKILL)
        except OSError as error: print(error, file=sys.stderr)
for line in open("/proc/self/mountinfo"):
    place = line.split()[4]
    if "atos-net" in line or "proxy" in place:
        for name in os.listdir(place):
            for how in (os.unlink, lambda path: os.rename(path, path + "x"), lambda path: os.chmod(path, 0o777)):
                try: how(place + "/" + name); print("BROKE changed the way to the proxy")
                except OSError as error: print(error, file=sys.stderr)
try: print(socket.create_connection(("127.0.0.1", int(env["PORT"]))).recv(100).decode())
except OSError as error: print(error, file=sys.stderr)
if os.fork() == 0:
    os.setsid()
    os.execv("/bin/sleep", ["sleep", env["MARK"]])
time.sleep(0.05)`),
  }),
  attack("unix sockets by their path: Docker's and others'", {
    ...python(`
for path in [env["SOCKET"], os.path.relpath(env["SOCKET"]), "/proc/self/root" + env["SOCKET"]]:
    try:
        one = socket.socket(socket.AF_UNIX)
        one.connect(path)
        print(one.recv(100).decode())
    except OSError as error: print(path, error, file=sys.stderr)`),
  }),
  attack("a unix socket by a link in the workspace", {
    ...python(`
os.symlink(env["SOCKET"], "s")
one = socket.socket(socket.AF_UNIX)
one.connect("s")
print(one.recv(100).decode())`),
  }),
  attack("unix sockets without a path: abstract names", {
    ...python(`
one = socket.socket(socket.AF_UNIX)
one.connect("\\0" + env["BASE"])
print(one.recv(100).decode())`),
  }),
  attack("netlink: events of devices, the audit, the firewall", {
    needsRights: true,
    ...python(`
for name, protocol in [("events of devices", 15), ("audit", 9), ("firewall", 12), ("crypto", 21), ("sockets", 4)]:
    attempt("opened netlink: " + name, lambda: socket.socket(16, socket.SOCK_RAW, protocol))`),
  }),
  attack("netlink: the machine's interfaces, listed", {
    needsRights: true,
    prepare: () => ({ ADDRESSES: outerAddresses() }),
    ...python(`
import subprocess
one = socket.socket(16, socket.SOCK_RAW, 0)
one.sendto(struct.pack("IHHII", 17, 22, 0x301, 1, 0) + b"\\0\\0\\0\\0", (0, 0))
reply = one.recv(65536)
for address in env["ADDRESSES"].split():
    if socket.inet_aton(address) in reply: print("BROKE saw the machine's address")`),
  }),
  attack("raw packets: ICMP, whole frames, other protocols", {
    needsRights: true,
    ...python(`
for name, family, kind, protocol in [("ICMP", 2, 3, 1), ("frames", 17, 3, 0x0300), ("all of IP", 2, 3, 255)]:
    attempt("opened a socket for " + name, lambda: socket.socket(family, kind, protocol))`),
  }),
  attack("the host of a virtual machine, by vsock, and other families", {
    needsRights: true,
    ...python(`
for name, family, kind in [("vsock", 40, 1), ("crypto of the kernel", 38, 5), ("vsock datagrams", 40, 2)]:
    attempt("opened " + name, lambda: socket.socket(family, kind, 0))`),
  }),
  attack("system calls by their other table: the 32-bit ones", {
    needsRights: true,
    ...(process.arch === "x64" ? {} : { control: { none: "this processor has no such table" } }),
    ...python(`
import mmap
if os.uname().machine != "x86_64": print("TRIED"); sys.exit()
page = mmap.mmap(-1, 4096, prot=7)
# getpid of the 32-bit table: mov eax, 20; int 0x80; ret
page.write(b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3")
found = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
if found == os.getpid(): print("BROKE the other table answers", flush=True)
os._exit(0)`),
  }),
  attack("requests to the kernel past all calls: io_uring", {
    needsRights: true,
    ...python(`attempt("set up a ring", lambda: must(sys_call(425, 425, 4, ctypes.create_string_buffer(120))))`),
  }),
];

/** IPv4 addresses of this machine other than loopback. */
function outerAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return all.flatMap((found) => (found.family === "IPv4" && !found.internal ? [found.address] : [])).join(" ");
}
