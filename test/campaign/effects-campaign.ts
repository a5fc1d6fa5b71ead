import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { verifyTrail } from "../../src/journal/audit-chain.ts";
import { allBuildEvents } from "../../src/journal/build-events.ts";
import { migrateDurableEngine } from "../../src/journal/durable-engine.ts";
import { EFFECT_BOUNDARIES } from "../../src/journal/effect.ts";
import { insertBuild } from "../../src/store/builds.ts";
import { type Db, openDatabase } from "../../src/store/database.ts";
import { listEffects } from "../../src/store/effects.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/store/embedded-postgres.ts";
import { migrate } from "../../src/store/migrate.ts";
import { CountingServer } from "./counting-server.ts";
import { WORKLOAD } from "./effects-workload.ts";
import { allProcesses, childrenOf, commandOf } from "./process-tree.ts";
import { randomNumbers } from "./random-numbers.ts";
import { type Report, reportSchema, type WorkerInput } from "./worker-input.ts";

export type CampaignResult = {
  readonly points: number;
  /** Effects that are not there at the end, or not as in an undisturbed run. */
  readonly lost: number;
  /** Effects that happened, or were recorded, more than once. */
  readonly doubled: number;
  /** How often each kind of kill was done. */
  readonly kills: Readonly<Record<string, number>>;
  /** What was found wrong, in words. */
  readonly problems: readonly string[];
};

export const NO_POINTS: CampaignResult = { points: 0, lost: 0, doubled: 0, kills: {}, problems: [] };

/** `mid`: while the server answers, so that it has done the call and the worker does not know. */
const KINDS = [...EFFECT_BOUNDARIES, "mid", "random", "sandbox", "database"] as const;
type Kind = (typeof KINDS)[number];

const KILLS_PER_BUILD = 8;
const MOST_RUNS_PER_BUILD = 60;
const WORKER = fileURLToPath(new URL("effects-worker.ts", import.meta.url));
const RUN_MS = 60_000;

/**
 * Kills worker, sandbox and database at `points` points of a workload of effects, lets it go on after each, and
 * compares what comes of it with an undisturbed run: every effect done once, the same workspace and commits byte for
 * byte, every webhook call done once, and an audit trail that adds up.
 *
 * Goes on `from` an earlier result; `progress` is told the sums after each build.
 */
export async function runEffectsCampaign(
  options: { readonly points: number; readonly seed: number; readonly from?: CampaignResult },
  progress: (result: CampaignResult) => void = () => {},
): Promise<CampaignResult> {
  await using campaign = await Campaign.open(options.seed);
  const undisturbed = await campaign.run("undisturbed", { kills: 0, undisturbed: undefined });
  let result = options.from ?? NO_POINTS;
  const most = options.points * 2 + 10;
  for (let build = 0; result.points < options.points; build++) {
    if (build > most) throw new Error("too few of the kills found a process to kill");
    const kills = Math.min(KILLS_PER_BUILD, options.points - result.points);
    const disturbed = await campaign.run(`build-${build}`, { kills, undisturbed: undisturbed.report });
    result = sum(result, disturbed.result);
    progress(result);
  }
  return result;
}

function sum(a: CampaignResult, b: CampaignResult): CampaignResult {
  const kinds = [...new Set([...Object.keys(a.kills), ...Object.keys(b.kills)])];
  return {
    points: a.points + b.points,
    lost: a.lost + b.lost,
    doubled: a.doubled + b.doubled,
    kills: Object.fromEntries(kinds.map((kind) => [kind, (a.kills[kind] ?? 0) + (b.kills[kind] ?? 0)])),
    problems: [...a.problems, ...b.problems],
  };
}

class Campaign implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: CountingServer;
  readonly #random: () => number;
  #postgres: EmbeddedPostgres;
  #kind = 0;

  private constructor(folder: string, parts: { server: CountingServer; postgres: EmbeddedPostgres; seed: number }) {
    this.#folder = folder;
    this.#server = parts.server;
    this.#postgres = parts.postgres;
    this.#random = randomNumbers(parts.seed);
    this.#kind = Math.floor(this.#random() * KINDS.length);
  }

  static async open(seed: number): Promise<Campaign> {
    const folder = mkdtempSync(join(tmpdir(), "atos-fx-"));
    const postgres = await startPostgres(folder);
    await migrateDurableEngine(postgres.url);
    const db = openDatabase(postgres.url);
    await migrate(db);
    await db.destroy();
    return new Campaign(folder, { server: await CountingServer.open(), postgres, seed });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#postgres[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One build to its end, killed so many times on its way. */
  async run(
    buildId: string,
    { kills, undisturbed }: { readonly kills: number; readonly undisturbed: Report | undefined },
  ): Promise<{ readonly report: Report; readonly result: CampaignResult }> {
    this.#server.applied.clear();
    const done: Record<string, number> = {};
    let count = 0;
    const db = openDatabase(this.#postgres.url);
    const at = new Date(0);
    await insertBuild(db, { id: buildId, goal: "g", request: {}, worker: "w", outDirectory: `/${buildId}`, at });
    await db.destroy();
    for (let run = 0; run < MOST_RUNS_PER_BUILD; run++) {
      const kind = count < kills ? KINDS[this.#kind++ % KINDS.length] : undefined;
      const { report, killed } = await this.#once(buildId, kind);
      if (killed && kind !== undefined) {
        count++;
        done[kind] = (done[kind] ?? 0) + 1;
      }
      if (report === undefined) continue;
      const found = await this.#judge(buildId, report, undisturbed);
      return { report, result: { points: count, kills: done, ...found } };
    }
    throw new Error(`${buildId} did not come to its end in ${MOST_RUNS_PER_BUILD} runs`);
  }

  /** One run of the worker: to the end of the build, or to a kill. */
  async #once(
    buildId: string,
    kind: Kind | undefined,
  ): Promise<{ readonly report: Report | undefined; readonly killed: boolean }> {
    const boundary = EFFECT_BOUNDARIES.find((name) => name === kind);
    const nth = 1 + Math.floor(this.#random() * 5);
    const input: WorkerInput = {
      databaseUrl: this.#postgres.url,
      state: this.#folder,
      buildId,
      hooks: this.#server.url,
      ...(boundary === undefined ? {} : { killAt: { boundary, nth } }),
    };
    const child = spawn(process.execPath, ["--no-warnings", WORKER, JSON.stringify(input)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const late = globalThis.setTimeout(() => child.kill("SIGKILL"), RUN_MS);
    const begun = Promise.withResolvers<void>();
    const ended = endOf(child, begun.resolve);
    let struck = boundary !== undefined;
    const strike = async (): Promise<void> => {
      if (kind === "mid") {
        this.#server.onApplied = () => {
          this.#server.onApplied = () => {};
          struck = child.kill("SIGKILL");
        };
      } else if (kind === "random") {
        await begun.promise;
        await setTimeout(this.#random() * 1500);
        struck = child.exitCode === null && child.kill("SIGKILL");
      } else if (kind === "sandbox") struck = await killSandbox(child, join(this.#folder, "work"));
      else if (kind === "database") {
        await begun.promise;
        await setTimeout(this.#random() * 1500);
        struck = child.exitCode === null;
        if (struck) process.kill(this.#postgres.pid, "SIGKILL");
      }
    };
    const [end] = await Promise.all([ended, strike()]);
    clearTimeout(late);
    this.#server.onApplied = () => {};
    if (kind === "database" && struck) {
      await this.#postgres.exited;
      this.#postgres = await startPostgres(this.#folder);
    }
    // A sandbox that died is an attempt that failed; the build goes on to its end.
    await endWaiting(join(this.#folder, "work"));
    const killed = struck && (end.report === undefined || kind === "sandbox" || kind === "database");
    if (end.report === undefined && !killed) throw new Error(`the worker of ${buildId} failed: ${end.words}`);
    return { report: end.report, killed };
  }

  async #judge(
    buildId: string,
    report: Report,
    undisturbed: Report | undefined,
  ): Promise<Pick<CampaignResult, "lost" | "doubled" | "problems">> {
    const db = openDatabase(this.#postgres.url);
    try {
      const { lost, doubled } = await recordsOf(db, buildId);
      const hooks = WORKLOAD.filter(({ name }) => name === "call_workflow").length;
      if (this.#server.applied.size < hooks)
        lost.push(`${hooks - this.#server.applied.size} webhook calls never arrived`);
      if (this.#server.applied.size > hooks) doubled.push("more webhook calls arrived than were made");
      for (const { path, count } of this.#server.applied.values())
        if (count !== 1) doubled.push(`a call of ${path} was done ${count} times`);
      if (undisturbed !== undefined) lost.push(...differences(report, undisturbed));
      const problems = [...lost, ...doubled].map((text) => `${buildId}: ${text}`);
      return { lost: lost.length, doubled: doubled.length, problems };
    } finally {
      await db.destroy();
    }
  }
}

/** What the ledger and the audit trail say against a build that came to its end. */
async function recordsOf(db: Db, buildId: string): Promise<{ lost: string[]; doubled: string[] }> {
  const lost: string[] = [];
  const doubled: string[] = [];
  const events = await allBuildEvents(db, buildId);
  for (const effect of await listEffects(db, buildId)) {
    if (effect.state !== "done") lost.push(`${effect.name} was reserved and never finished`);
    const begun = events.filter(({ event }) => event.type === "attempt-started" && event.step === effect.name);
    if (begun.length !== effect.attempts)
      lost.push(`${effect.name} was begun ${begun.length} times and counted ${effect.attempts}`);
  }
  for (const step of WORKLOAD.keys()) {
    const ended = events.filter(({ event }) => event.type === "tool-called" && event.step === `call-${step}`).length;
    if (ended === 0) lost.push(`call-${step} has no end in the trail`);
    if (ended > 1) doubled.push(`call-${step} ended ${ended} times`);
  }
  const trail = await verifyTrail(db, buildId);
  if (!trail.ok) lost.push(`the audit trail does not add up: ${trail.why}`);
  return { lost, doubled };
}

function differences(report: Report, undisturbed: Report): string[] {
  const found: string[] = [];
  for (const [index, outcome] of undisturbed.outcomes.entries()) {
    const other = report.outcomes[index];
    if (other !== outcome) found.push(`call-${index} ended otherwise: ${other}, not ${outcome}`);
  }
  if (report.commits !== undisturbed.commits) found.push("the commits are not those of an undisturbed run");
  if (report.snapshot !== undisturbed.snapshot) found.push("the snapshot is not that of an undisturbed run");
  const there = new Set(report.listing);
  const wanted = new Set(undisturbed.listing);
  for (const entry of wanted.difference(there)) found.push(`missing in the workspace: ${entry}`);
  for (const entry of there.difference(wanted)) found.push(`should not be in the workspace: ${entry}`);
  return found;
}

function startPostgres(folder: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDirectory: join(folder, "postgres"), socketDirectory: folder });
}

async function endOf(
  child: ChildProcess,
  onBegun: () => void,
): Promise<{ readonly report: Report | undefined; readonly words: string }> {
  let out = "";
  let words = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words += text;
    if (words.includes("begun\n")) onBegun();
  });
  await once(child, "close");
  onBegun();
  const line = out.split("\n").find((text) => text.startsWith('{"snapshot"'));
  return { report: line === undefined ? undefined : reportSchema.parse(JSON.parse(line)), words };
}

/** Kills the sandbox of the first command seen in a workspace. False when none was before the worker ended. */
async function killSandbox(child: ChildProcess, workspaces: string): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    for (const pid of childrenOf(child.pid)) {
      if (!commandOf(pid).includes(workspaces)) continue;
      try {
        process.kill(pid, "SIGKILL");
        return true;
      } catch {
        // It ended by itself just now; the next command has another.
      }
    }
    await setTimeout(3);
  }
  return false;
}

/**
 * Waits until no sandbox of these workspaces is left, and ends those that are: a bwrap whose parent was killed in its
 * first milliseconds may wait for it for ever. It has not run its command and never will (docs/security.md).
 */
async function endWaiting(workspaces: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const left = allProcesses().filter((pid) => pid !== process.pid && commandOf(pid).includes(workspaces));
    if (left.length === 0) return;
    if (tries > 20) for (const pid of left) if (childrenOf(pid).length === 0) process.kill(pid, "SIGKILL");
    await setTimeout(25);
  }
  throw new Error(`a sandbox outlived its worker, and runs its command: ${workspaces}`);
}
