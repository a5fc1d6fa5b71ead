import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { dirname } from "node:path";
import { EXIT, messageOf } from "../base/errors.ts";
import { git } from "../journal/git.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { postgresBinaries } from "../store/postgres-binaries.ts";
import { loadRoster } from "../agents/load-roster.ts";
import { NANO_ROSTER } from "../workflows/choose-roster.ts";
import { type CommandContext, commandContext, settingsOf } from "./context.ts";
import { hasNvidia } from "./describe-machine.ts";
import { installPackages } from "./install-packages.ts";
import type { Output } from "./output.ts";

/** `missing` keeps the main job from running; `note` does not. */
type Finding = {
  readonly name: string;
  readonly state: "ok" | "note" | "missing";
  readonly detail: string;
  readonly packages?: readonly string[];
};

const MIN_MEMORY_GIB = 15;
const MIN_PROCESSORS = 6;
const MIN_DISK_GIB = 50;

/** `atos doctor`: what this machine can run, what is missing, and how to get it. */
export async function runDoctorCommand(
  flags: { readonly fix?: boolean; readonly yes?: boolean },
  output: Output,
): Promise<number> {
  let findings = await examine(commandContext());
  const packages = findings.flatMap((finding) => (finding.state === "missing" ? (finding.packages ?? []) : []));
  if (flags.fix === true && packages.length > 0) {
    const done = await installPackages(packages, { yes: flags.yes ?? false }, output);
    if (done.kind === "cannot")
      output.note(`atos: needed, and only an administrator can install it:\n  ${done.command}`);
    if (done.kind === "failed") output.note(`atos: apt-get failed:\n${done.why}`);
    findings = await examine(commandContext());
  }
  const ready = findings.every((finding) => finding.state !== "missing");
  output.emit({ ready, findings });
  for (const { name, state, detail } of findings)
    output.say(`${{ ok: "✔", note: "–", missing: "✘" }[state]} ${name.padEnd(9)} ${detail}`);
  output.say(
    ready ? "\nReady." : "\nNot ready: see the lines with ✘; where Debian packages are missing: atos doctor --fix",
  );
  return ready ? EXIT.done : EXIT.missing;
}

async function examine(context: CommandContext): Promise<readonly Finding[]> {
  return Promise.all([
    check("node", async () => `${process.version} (${process.platform} ${process.arch})`),
    machine(),
    gpu(),
    disk(context),
    check("git", async () => (await git("/", ["--version"])).trim(), ["git"]),
    check(
      "sandbox",
      async () => `${(await openSandbox({ unsafe: false })).level}: generated code sees its workspace and nothing else`,
      ["bubblewrap"],
    ),
    python(),
    database(context),
    model(context),
  ]);
}

async function check(name: string, look: () => Promise<string>, packages?: readonly string[]): Promise<Finding> {
  try {
    return { name, state: "ok", detail: await look() };
  } catch (error) {
    return { name, state: "missing", detail: messageOf(error), ...(packages === undefined ? {} : { packages }) };
  }
}

async function machine(): Promise<Finding> {
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const processors = availableParallelism();
  const enough = memoryGib >= MIN_MEMORY_GIB && processors >= MIN_PROCESSORS;
  const detail = `${processors} processors, ${memoryGib} GiB memory`;
  return {
    name: "machine",
    state: enough ? "ok" : "note",
    detail: enough
      ? detail
      : `${detail}: enough for atos-nano and for servers elsewhere; models of 3B and more want ${MIN_PROCESSORS} and 16 GiB`,
  };
}

async function gpu(): Promise<Finding> {
  const found = await hasNvidia();
  return {
    name: "gpu",
    state: found ? "ok" : "note",
    detail: found ? "an NVIDIA GPU" : "none found; embedded models run on the processor",
  };
}

async function disk({ folder }: CommandContext): Promise<Finding> {
  let place = folder.root;
  while (place !== dirname(place) && !(await exists(place))) place = dirname(place);
  return check("disk", async () => {
    const { bavail, bsize } = await statfs(place);
    await access(place, constants.W_OK);
    const freeGib = Math.round((bavail * bsize) / 2 ** 30);
    return `${freeGib} GiB free at ${folder.root}${freeGib < MIN_DISK_GIB ? `; ${MIN_DISK_GIB} GiB leave room for large models` : ""}`;
  });
}

async function python(): Promise<Finding> {
  if (await exists("/usr/bin/python3")) return { name: "python", state: "ok", detail: "/usr/bin/python3" };
  return {
    name: "python",
    state: "missing",
    detail: "/usr/bin/python3 was not found; goals in Python need it: apt-get install python3",
    packages: ["python3"],
  };
}

async function database({ databaseUrl }: CommandContext): Promise<Finding> {
  if (databaseUrl !== undefined) return { name: "database", state: "ok", detail: "the server in DATABASE_URL" };
  return check("database", async () => {
    await postgresBinaries();
    return "embedded Postgres, reachable through a private socket only";
  });
}

async function model(context: CommandContext): Promise<Finding> {
  return check("model", async () => {
    const { model: name, roster } = await settingsOf(context);
    if (roster !== undefined) return `the roster ${roster}`;
    if (name !== undefined) return name;
    for (const entry of Object.values((await loadRoster(NANO_ROSTER)).models))
      if (entry.kind === "file") await access(entry.path);
    return "atos-nano, built in: a closed domain of small functions; for other goals see atos build --help";
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
