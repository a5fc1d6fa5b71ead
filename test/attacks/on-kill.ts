import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readIfThere } from "../../src/sandbox/process-view.ts";
import type { Attack, Ground, Verdict } from "./attack.ts";
import { broke, held } from "./attack.ts";
import { Prey } from "./prey.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "escaping the kill", name, ...rest });

/** Sleeps long under a name that tells whose it is. */
const linger = 'os.execv("/bin/sleep", ["sleep", env["MARK"]])';

/** Those who change their number all the time are seen by what they do. */
const BEAT = `
def beat():
    held = os.open("beat", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(held, b"x")
    os.close(held)`;

async function beatsOn({ root }: Prey): Promise<string[]> {
  const beats = (): number => lstatSync(join(root, "beat")).size;
  const before = beats();
  for (let poll = 0; poll < 5 && beats() === before; poll++) await sleep(100);
  return beats() === before ? [] : ["it lives on, under another number each time"];
}

export const ON_KILL: readonly Attack[] = [
  attack("two forks and a session of its own", {
    program: {
      python: `\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: ${linger}\n    os._exit(0)\ntime.sleep(0.1)`,
    },
  }),
  attack("nohup, setsid, disown and every signal ignored", {
    program: {
      sh: "trap '' HUP INT TERM QUIT PIPE USR1 USR2; nohup setsid sleep $MARK > /dev/null 2>&1 & (setsid nohup setsid sleep $MARK < /dev/null > /dev/null 2>&1 &); sleep 0.1",
    },
  }),
  attack("a daemon that holds the output open", {
    program: { python: `\nif os.fork() == 0:\n    os.setsid()\n    ${linger}\nprint("bye", flush=True)` },
  }),
  attack("vfork, with a parent that is gone", {
    program: {
      python: `
import subprocess
subprocess.Popen(["/bin/sleep", env["MARK"]], start_new_session=True, close_fds=False)
os._exit(0)`,
    },
  }),
  attack("a process that was stopped and can't be asked to end", {
    program: {
      python: `\nchild = os.fork()\nif child == 0:\n    os.setsid()\n    ${linger}\ntime.sleep(0.05)\nos.kill(child, signal.SIGSTOP)\ntime.sleep(0.05)`,
    },
  }),
  attack("a comet: each process forks the next and ends, past the wall clock", {
    limits: { wallMs: 600 },
    program: {
      python: `${BEAT}
ends = time.monotonic() + 5
if os.fork() == 0:
    os.setsid()
    while time.monotonic() < ends:
        try:
            if os.fork() != 0: os._exit(0)
            beat()
        except OSError: time.sleep(0.001)
    os._exit(0)
time.sleep(5)`,
    },
    judge: beatsOn,
  }),
  attack("a swarm that replaces whoever is killed", {
    limits: { wallMs: 600, processes: 100 },
    program: {
      python: `${BEAT}
ends = time.monotonic() + 5
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(6):
    if os.fork() == 0:
        os.setsid()
        while time.monotonic() < ends:
            try:
                if os.fork() == 0: os.setsid(); beat()
                else: time.sleep(0.0005); os._exit(0)
            except OSError: time.sleep(0.001)
        os._exit(0)
time.sleep(5)`,
    },
    judge: beatsOn,
  }),
  attack("its wish to die with its parent taken back, its name and group changed", {
    program: {
      python: `
if os.fork() == 0:
    os.setsid()
    libc.prctl(1, 0, 0, 0, 0)
    libc.prctl(15, ctypes.c_char_p(b"kworker/0:1"), 0, 0, 0)
    libc.prctl(36, 1, 0, 0, 0)
    if os.fork() == 0: ${linger}
    time.sleep(0.05)
    os._exit(0)
time.sleep(0.15)`,
    },
  }),
  attack("those who watch it, killed one after the other up to ATOS", {
    control: { none: "the plain child's parent is the test itself" },
    program: {
      python: `
print("TRIED", flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: ${linger}
    os._exit(0)
time.sleep(0.05)
pid = os.getppid()
for _ in range(6):
    if pid in (0, int(env["ATOS"])): break
    try: parent = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
    except OSError: parent = 0
    for number in (signal.SIGSTOP, signal.SIGKILL):
        try: os.kill(pid, number)
        except OSError as error: print(f"{pid}: {error}", file=sys.stderr)
    pid = parent
time.sleep(0.1)`,
    },
  }),
  attack("everybody it can see, killed in one call", {
    control: { none: "without the wall it would end every process of the user, the tests too" },
    program: {
      python: `
print("TRIED", flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: ${linger}
    os._exit(0)
time.sleep(0.05)
# Signal 0 first: where it would reach outside, the blow is not struck.
try: os.kill(int(env["ATOS"]), 0); print("BROKE it could end ATOS")
except OSError: os.kill(-1, signal.SIGKILL)
time.sleep(0.1)`,
    },
  }),
  attack("a debugger of its own children, which holds them", {
    needsRights: true,
    program: {
      python: `
child = os.fork()
if child == 0:
    os.setsid()
    ${linger}
time.sleep(0.05)
sys_call(101, 117, 16, child, 0, 0)
os._exit(0)`,
    },
  }),
  {
    category: "escaping the kill",
    name: "ATOS itself killed, in the midst of a call",
    wall: "sandbox",
    run: (ground) => killed(ground, ground.sandbox.level),
    control: (ground) => killed(ground, "plain"),
  },
  {
    category: "escaping the kill",
    name: "an abort at once after the start, over and over",
    wall: "sandbox",
    run: async ({ sandbox }) => {
      await using prey = await Prey.open();
      for (let delayMs = 0; delayMs < 40; delayMs += 4) {
        const command = ["/bin/sh", "-c", "setsid sleep $MARK & setsid sleep $MARK"] as const;
        const request = { command, root: prey.root, env: { MARK: prey.mark } };
        await sandbox.run(request, AbortSignal.timeout(delayMs)).catch(() => undefined);
      }
      const left = prey.survivors();
      return left.length === 0 ? held() : broke(`${left.length} processes live on`);
    },
    control: async () => {
      await using prey = await Prey.open();
      const child = spawn("/bin/sh", ["-c", `setsid sleep ${prey.mark} & setsid sleep ${prey.mark}`]);
      await sleep(100);
      child.kill("SIGKILL");
      await sleep(50);
      return prey.survivors().length === 0 ? held() : broke("processes live on");
    },
  },
];

/** Starts ATOS's part in a process of its own, kills that, and looks for what it ran. */
async function killed(_: Ground, level: string): Promise<Verdict> {
  await using prey = await Prey.open();
  const module = new URL("../../src/sandbox/open-sandbox.ts", import.meta.url).href;
  const command = JSON.stringify(["/bin/sh", "-c", `setsid sleep ${prey.mark} & sleep ${prey.mark}`]);
  const program =
    level === "plain"
      ? `const [file, ...args] = ${command}; (await import("node:child_process")).spawn(file, args);`
      : `const { openSandbox } = await import(${JSON.stringify(module)});
         const sandbox = await openSandbox({ unsafe: false, level: ${JSON.stringify(level)} });
         await sandbox.run({ command: ${command}, root: ${JSON.stringify(prey.root)} }, new AbortController().signal);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
  const lives = () => prey.survivors().filter((pid) => pid !== parent.pid);
  const begun = () => lives().some((pid) => readIfThere(`/proc/${pid}/cmdline`)?.startsWith("sleep\0") === true);
  for (let poll = 0; poll < 500 && !begun(); poll++) await sleep(10);
  if (!begun()) throw new Error("the command did not begin");
  await sleep(30);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  for (let poll = 0; poll < 150 && lives().length > 0; poll++) await sleep(10);
  return lives().length === 0 ? held() : broke(`${lives().length} processes live on`);
}
