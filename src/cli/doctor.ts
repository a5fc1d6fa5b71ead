import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { EXIT, messageOf } from "../base/errors.ts";
import { loadCatalog } from "../engine/catalog/catalog.ts";
import { git } from "../journal/git.ts";
import { examineLevels, type LevelFinding, type SandboxChoice } from "../sandbox/open-sandbox.ts";
import { postgresBinaries } from "../store/postgres-binaries.ts";
import { loadRoster } from "../agents/load-roster.ts";
import { NANO_ROSTER } from "../workflows/choose-roster.ts";
import { type CommandContext, commandContext, settingsOf } from "./context.ts";
import { readMachine } from "./describe-machine.ts";
import { deviceFigures } from "./device-figures.ts";
import { engineCanUse } from "../pool/devices/engine-gpu.ts";
import { installPackages } from "./install-packages.ts";
import { type Finding, type Machine, machineFindings } from "./machine-findings.ts";
import { localModels } from "./models-folder.ts";
import { type Proposal, proposeRoster } from "./propose-roster.ts";
import { ownRosters, rosterNeeds } from "./roster-needs.ts";
import type { Output } from "./output.ts";

const MIN_DISK_GIB = 50;
/** Who asks what a machine has waits a little longer than a build does. */
const READ_MS = 10_000;

/** `atos doctor`: what this machine can run, what is missing, and how to get it. */
export async function runDoctorCommand(
  flags: { readonly fix?: boolean; readonly yes?: boolean },
  output: Output,
): Promise<number> {
  const context = commandContext();
  const reading = await readMachine(undefined, READ_MS);
  const machine = { ...reading, processors: availableParallelism(), engineCanUse };
  const budgetBytes = await budgetOf(context);
  const examined = async (): Promise<readonly Finding[]> => [...machineFindings(machine), ...(await examine(context))];
  let findings = await examined();
  const packages = findings.flatMap((finding) => (finding.state === "missing" ? (finding.packages ?? []) : []));
  if (flags.fix === true && packages.length > 0) {
    const done = await installPackages(packages, { yes: flags.yes ?? false }, output);
    if (done.kind === "cannot")
      output.note(`atos: needed, and only an administrator can install it:\n  ${done.command}`);
    if (done.kind === "failed") output.note(`atos: apt-get failed:\n${done.why}`);
    findings = await examined();
  }
  const ready = findings.every((finding) => finding.state !== "missing");
  const proposal = await propose(context, machine, budgetBytes);
  output.emit({
    ready,
    findings,
    devices: deviceFigures(reading.devices, budgetBytes),
    notes: reading.notes,
    proposal,
  });
  for (const { name, state, detail } of findings)
    output.say(`${{ ok: "✔", note: "–", missing: "✘" }[state]} ${name.padEnd(10)} ${detail}`);
  output.say(
    `\nThe roster for this machine: ${proposal.roster}\n${proposal.lines.map((line) => `  ${line}`).join("\n")}`,
  );
  output.say(
    ready ? "\nReady." : "\nNot ready: see the lines with ✘; where Debian packages are missing: atos doctor --fix",
  );
  return ready ? EXIT.done : EXIT.missing;
}

async function propose(
  { folder }: CommandContext,
  { devices, processors }: Machine,
  budgetBytes: number | undefined,
): Promise<Proposal> {
  const here = (await localModels(folder.models)).flatMap(({ kind, name }) => (kind === "pulled" ? [name] : []));
  const rosters = rosterNeeds(await ownRosters(), await loadCatalog(), new Set(here));
  const usable = devices.filter(({ kind }) => engineCanUse(kind));
  return proposeRoster({ devices: usable, rosters, processors, budgetBytes });
}

/** Settings that can't be read are told of by the finding on the model. */
async function budgetOf(context: CommandContext): Promise<number | undefined> {
  return settingsOf(context).then(
    ({ budget }) => budget?.bytes,
    () => undefined,
  );
}

async function examine(context: CommandContext): Promise<readonly Finding[]> {
  const found = await Promise.all([
    check("node", async () => `${process.version} (${process.platform} ${process.arch})`),
    disk(context),
    check("git", async () => (await git("/", ["--version"])).trim(), ["git"]),
    sandboxes(context),
    python(),
    database(context),
    model(context),
  ]);
  return found.flat();
}

/** The one that will be used, and what became of trying each. */
async function sandboxes(context: CommandContext): Promise<readonly Finding[]> {
  const choice: SandboxChoice = await settingsOf(context).then(
    (settings) => settings.sandbox,
    () => ({}),
  );
  const tried = await examineLevels(choice);
  const usable = tried.filter(({ level }) => choice.level === undefined || level === choice.level);
  const used = usable.find((found) => "sandbox" in found);
  const sandbox: Finding =
    used === undefined
      ? { name: "sandbox", state: "missing", detail: noneText(usable), packages: ["bubblewrap"] }
      : { name: "sandbox", state: "ok", detail: `${used.level}: generated code sees its workspace and nothing else` };
  const each = tried.map(
    (found): Finding => ({
      name: found.level,
      state: "sandbox" in found ? "ok" : "note",
      detail: "sandbox" in found ? "works" : found.why,
    }),
  );
  return [sandbox, ...each];
}

function noneText(tried: readonly LevelFinding[]): string {
  const whys = tried.map((found) => ("why" in found ? `${found.level}: ${found.why}` : ""));
  return ["no sandbox to run code in works here.", ...whys].join(" ");
}

async function check(name: string, look: () => Promise<string>, packages?: readonly string[]): Promise<Finding> {
  try {
    return { name, state: "ok", detail: await look() };
  } catch (error) {
    return { name, state: "missing", detail: messageOf(error), ...(packages === undefined ? {} : { packages }) };
  }
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
