import { AtosError } from "../../src/base/errors.ts";
import type { Sandbox, SandboxLimits, SandboxReport, SandboxRequest } from "../../src/sandbox/sandbox.ts";
import type { Attack, Category, Ground, NotPromised, Verdict } from "./attack.ts";
import { held, verdictOf } from "./attack.ts";
import { plainChild } from "./plain-child.ts";
import { Prey, SANDBOX_USER, SECRET } from "./prey.ts";

type Program = { readonly sh: string } | { readonly python: string } | { readonly node: string };

/** An attack by a program that runs in the sandbox. */
export type SandboxAttack = {
  readonly category: Category;
  readonly name: string;
  /** Runs in the workspace. What it prints after `BROKE` it did; what else it did is seen from outside. */
  readonly program: Program;
  /** A second command in the same workspace, which must not find what the first left elsewhere. */
  readonly next?: Program;
  readonly limits?: Partial<SandboxLimits>;
  /** Hosts that it may reach. */
  readonly network?: SandboxRequest["network"];
  /** Before it runs: plants something, and may tell the program more. */
  readonly prepare?: (prey: Prey) => Record<string, string> | void;
  /** What else to look at when it has run. */
  readonly judge?: (prey: Prey, report: SandboxReport) => readonly string[] | Promise<readonly string[]>;
  /** Without one, the program prints `TRIED` when it has done its worst, or its silence would prove nothing. */
  readonly control?: { readonly none: string };
  /** It also holds when the sandbox won't run anything there, and says so. */
  readonly mayBeRefused?: boolean;
  readonly needsRights?: boolean;
  /** As root: the control runs as the user that owns the prey. */
  readonly asPreysUser?: boolean;
  readonly notPromised?: NotPromised;
};

/** Its control is the same program as a plain child process. */
export function sandboxAttack(attack: SandboxAttack): Attack {
  const { category, name, needsRights, notPromised } = attack;
  return {
    category,
    name,
    wall: "sandbox",
    run: (ground) => run(attack, ground),
    control:
      attack.control ??
      ((ground) => run(attack, { ...ground, sandbox: plainChild(ground.sandbox, controlUser(attack)) })),
    ...(needsRights === undefined ? {} : { needsRights }),
    ...(notPromised === undefined ? {} : { notPromised }),
  };
}

function controlUser({ asPreysUser }: SandboxAttack): number | undefined {
  return asPreysUser === true && process.getuid?.() === 0 ? SANDBOX_USER : undefined;
}

async function run(attack: SandboxAttack, { sandbox, signal }: Ground): Promise<Verdict> {
  await using prey = await Prey.open();
  process.env["ATOS_ATTACK_TOKEN"] = SECRET;
  const given = { ...prey.env, ...attack.prepare?.(prey) };
  // Shown read-only, where it can be.
  const source = `${prey.base}/shown`;
  const target = sandbox.mounts ? "/opt/shown" : source;
  const shown = sandbox.level === "none" ? {} : { readOnly: [{ source, target }] };
  const env = { ...given, SHOWN: target };
  const limits = { wallMs: 10_000, ...attack.limits };
  const network = attack.network === undefined ? {} : { network: attack.network };
  const reports: SandboxReport[] = [];
  try {
    for (const program of [attack.program, ...(attack.next === undefined ? [] : [attack.next])]) {
      const command = commandOf(program, sandbox);
      reports.push(await sandbox.run({ command, root: prey.root, env, limits, ...network, ...shown }, signal));
    }
  } catch (error) {
    if (attack.mayBeRefused !== true || !(error instanceof AtosError)) throw error;
    const damage = prey.damage("");
    return damage.length === 0 ? held(`refused: ${error.message.replaceAll(prey.base, "…")}`) : verdictOf(damage);
  }
  const output = reports.map(({ stdout, stderr }) => `${stdout}\n${stderr}`).join("\n");
  if (attack.control !== undefined && !output.includes("TRIED")) throw new Error(`the attack did not begin: ${output}`);
  const [first] = reports;
  const own = first === undefined ? [] : ((await attack.judge?.(prey, first)) ?? []);
  const left = prey.survivors();
  const damage = [...prey.damage(output), ...own, ...(left.length > 0 ? [`${left.length} processes live on`] : [])];
  return damage.length === 0 ? held(endingOf(first)) : verdictOf(damage);
}

function endingOf(report: SandboxReport | undefined): string {
  const last = report?.stderr.trim().split("\n").at(-1)?.slice(0, 160) ?? "";
  const ending = report?.limitHit === undefined ? `exit ${report?.exitCode}` : `limit on ${report.limitHit}`;
  return last === "" ? ending : `${ending}: ${last}`;
}

function commandOf(program: Program, sandbox: Sandbox): [string, ...string[]] {
  if ("sh" in program) return ["/bin/sh", "-c", program.sh];
  if ("node" in program) return [sandbox.nodePath, "-e", program.node];
  if (sandbox.pythonPath === undefined) throw new Error("the attacks need /usr/bin/python3: apt-get install python3");
  return [sandbox.pythonPath, "-c", `${PRELUDE}\n${program.python}`];
}

/** Python attacks make system calls by number or through libc. */
const PRELUDE = `import ctypes, os, sys, socket, struct, errno, time, signal
libc = ctypes.CDLL(None, use_errno=True)
env = os.environ
VICTIM = int(env["VICTIM"])
def sys_call(x64, arm64, *args):
    number = x64 if os.uname().machine == "x86_64" else arm64
    return libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
def attempt(what, fn):
    try:
        fn()
        print("BROKE " + what, flush=True)
    except OSError as error:
        print(what + ": " + (error.strerror or str(error)), file=sys.stderr, flush=True)
def must(result):
    if result < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result`;
