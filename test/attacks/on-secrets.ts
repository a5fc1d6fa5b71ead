import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import type { Attack } from "./attack.ts";
import { broke, held } from "./attack.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "environment and secrets", name, ...rest });

export const ON_SECRETS: readonly Attack[] = [
  attack("the environment of ATOS", {
    program: {
      sh: "env; set; tr '\\0' '\\n' < /proc/self/environ; tr '\\0' '\\n' < /proc/1/environ; tr '\\0' '\\n' < /proc/$PPID/environ",
    },
  }),
  attack("a secret file, known by its path", {
    program: { sh: 'cat "$SECRET_FILE"; base64 "$SECRET_FILE" | base64 -d' },
  }),
  attack("temporary files of others, looked for", {
    program: { sh: 'find "$(dirname "$BASE")" /var/tmp -maxdepth 2 -path "$BASE/*" -name "*.txt" -exec cat {} +' },
  }),
  attack("the home folder, and the keys and tokens that lie in one", {
    needsRights: true,
    prepare: () => ({ REAL_HOME: homedir() }),
    program: {
      sh: `ls -A "$REAL_HOME" | grep -q . && echo BROKE the home folder can be listed
for name in .ssh/id_ed25519 .aws/credentials .netrc .npmrc .pypirc .kube/config .docker/config.json .git-credentials .config/gh/hosts.yml .bash_history; do
  [ -r "$REAL_HOME/$name" ] && echo BROKE $name can be read; done; true`,
    },
  }),
  attack("accounts, passwords and keys of the machine", {
    program: {
      sh: "for name in passwd shadow group ssh/ssh_host_ed25519_key machine-id hostname sudoers fstab; do [ -r /etc/$name ] && head -c 1 /etc/$name > /dev/null && echo BROKE /etc/$name can be read; done; true",
    },
  }),
  attack("service accounts and run-time state: /run, /var, /sys, /boot, /srv", {
    program: {
      sh: "for path in /run /var/lib /var/log /run/secrets /var/run/secrets/kubernetes.io /sys/class /sys/kernel /boot /srv /mnt /media; do ls -A $path 2>/dev/null | grep -q . && echo BROKE $path can be listed; done; true",
    },
  }),
  attack("the source and settings of ATOS itself", {
    prepare: () => ({ CHECKOUT: fileURLToPath(new URL("../..", import.meta.url)) }),
    program: { sh: 'cat "$CHECKOUT/package.json" > /dev/null && echo BROKE the checkout can be read' },
  }),
  attack("a file that only its owner may read, as whoever the command runs as", {
    program: { sh: 'cat "$BASE/private.txt"; chmod 666 "$BASE/private.txt" && cat "$BASE/private.txt"' },
  }),
  attack("the workspace beside its own", {
    program: { sh: "cat ../secret.txt ../prey/../secret.txt; echo x > ../prey/planted" },
  }),
  attack("a message for the next command, in memory folders and home", {
    program: {
      sh: 'for folder in /tmp /dev/shm /var/tmp "$HOME" "$TMPDIR" /home; do echo left > "$folder/left-$MARK"; done; true',
    },
    next: {
      sh: 'for folder in /tmp /dev/shm /var/tmp "$HOME" "$TMPDIR" /home; do [ -e "$folder/left-$MARK" ] && echo BROKE "$folder kept it" && rm "$folder/left-$MARK"; done; true',
    },
  }),
  ipc("a System V message queue", "sys_call(68, 186, KEY, 0o1600)", [
    "sys_call(68, 186, KEY, 0)",
    "sys_call(71, 187, found, 0, 0)",
  ]),
  ipc("System V shared memory", "sys_call(29, 194, KEY, 4096, 0o1600)", [
    "sys_call(29, 194, KEY, 0, 0)",
    "sys_call(31, 195, found, 0, 0)",
  ]),
  ipc("a System V semaphore", "sys_call(64, 190, KEY, 1, 0o1600)", [
    "sys_call(64, 190, KEY, 0, 0)",
    "sys_call(66, 191, found, 0, 0, 0)",
  ]),
  ipc("a POSIX message queue", "sys_call(240, 180, NAME, 0o102, 0o600, 0)", [
    "sys_call(240, 180, NAME, 2, 0, 0)",
    "sys_call(241, 181, NAME)",
  ]),
  attack("the kernel's key ring", {
    needsRights: true,
    program: {
      python: `
attempt("stored a key", lambda: must(sys_call(248, 217, ctypes.c_char_p(b"user"), ctypes.c_char_p(b"attack"), ctypes.c_char_p(b"x"), 1, ctypes.c_long(-2))))
attempt("joined a session of keys", lambda: must(sys_call(250, 219, 1, 0)))`,
    },
  }),
  {
    category: "environment and secrets",
    name: "a file that whoever started ATOS left open",
    wall: "sandbox",
    run: async ({ sandbox }) => inheriting(sandbox.level),
    control: async () => inheriting("plain"),
  },
];

/** Whether a second command, of another call, finds what a first one left with the kernel. */
function ipc(what: string, make: string, [find, remove]: readonly [find: string, remove: string]): Attack {
  const key = `
KEY = int(env["KEY"])
NAME = ctypes.c_char_p(("attack-%d" % KEY).encode())`;
  const python = `${key}
made = ${make}
found = ${find}
print("made" if found >= 0 else "not made", file=sys.stderr)`;
  // Whoever made it may be in another name space; what it made is found by its key or not at all.
  const look = `${key}
found = ${find}
if found >= 0:
    print("BROKE it is there for the next command")
    ${remove}`;
  return attack(`${what}, left for the next command`, {
    prepare: () => ({ KEY: String(1 + Math.floor(Math.random() * 2 ** 30)) }),
    program: { python },
    next: { python: look },
  });
}

/** A process with a secret open at a descriptor that its children inherit starts a command at `level`. */
function inheriting(level: string) {
  const modules = new URL("../../src/sandbox/", import.meta.url).href;
  const open =
    level === "plain"
      ? `const { spawnSync } = await import("node:child_process");
         const run = async () => spawnSync("/bin/sh", ["-c", script], { encoding: "utf8" });`
      : `const { openSandbox } = await import(${JSON.stringify(`${modules}open-sandbox.ts`)});
         const sandbox = await openSandbox({ unsafe: false, level: ${JSON.stringify(level)} });
         const run = () => sandbox.run({ command: ["/bin/sh", "-c", script], root }, new AbortController().signal);`;
  const program = `const [script, root] = process.argv.slice(1);
    ${open}
    const report = await run();
    process.stdout.write(report.stdout + report.stderr);`;
  // Bash opens the file above what Node covers when it starts.
  const outer =
    'base=$(mktemp -d); mkdir $base/root; echo swordfish-open > $base/secret; exec 100< $base/secret; "$@" "$base/root"; rm -rf "$base"';
  const script = "cat /proc/self/fd/100; cat /dev/fd/100";
  const output = execFileSync(
    "bash",
    ["-c", outer, "bash", process.execPath, "--input-type=module", "-e", program, script],
    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 20_000 },
  );
  return output.includes("swordfish-open") ? broke("the open file was read") : held(output.trim().split("\n").at(-1));
}
