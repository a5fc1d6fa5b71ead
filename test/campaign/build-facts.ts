import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildEvent } from "../../src/base/events.ts";
import { verifyTrail } from "../../src/journal/audit-chain.ts";
import { allBuildEvents, type RecordedEvent } from "../../src/journal/build-events.ts";
import { findBuild } from "../../src/store/builds.ts";
import { openDatabase } from "../../src/store/database.ts";
import { type Effect, listEffects } from "../../src/store/effects.ts";
import { listTasks } from "../../src/store/tasks.ts";
import type { Installation } from "../fixtures/atos.ts";
import { journalProblems } from "../fixtures/journal-of.ts";

/** What a build that ended came to, in words that are the same for every build of the same goal. */
export type BuildFacts = {
  readonly state: string;
  /** What is delivered: the verified tree, and the history up to it without its dates. */
  readonly tree: string;
  readonly history: string;
  /** The history of each task's branch, and each task's state. */
  readonly tasks: readonly string[];
  /** Rows of the ledger, each with the hash of what decided it. */
  readonly effects: readonly string[];
  /** Events that belong to what was done, and not to how often it was tried. */
  readonly events: readonly string[];
  /** Events in all. */
  readonly told: number;
  /** How often turns, tests and the rest were begun. */
  readonly attempts: number;
  /** What does not add up by itself: journal, audit chain, delivered repository. */
  readonly problems: readonly string[];
};

/** These tell of attempts, models and stops, which a kill adds to. */
const OF_ATTEMPTS: ReadonlySet<BuildEvent["type"]> = new Set([
  "attempt-started",
  "attempt-failed",
  "turn-waiting",
  "model-loading",
  "model-loaded",
  "model-resized",
  "model-unloaded",
  "model-shrunk",
  "model-crashed",
  "build-paused",
  "build-resumed",
]);

/** Everything that is known of a build of an installation whose worker is up. `out` is where it delivered. */
export async function buildFacts(atos: Installation, { id, out }: { id: string; out: string }): Promise<BuildFacts> {
  const { databaseUrl }: { databaseUrl: string } = JSON.parse(readFileSync(join(atos.home, "worker.json"), "utf8"));
  const db = openDatabase(databaseUrl);
  try {
    const events = await allBuildEvents(db, id);
    const effects = await listEffects(db, id);
    const trail = await verifyTrail(db, id);
    const build = await findBuild(db, id);
    const verified = `${gitIn(out, "rev-parse", "HEAD")}~1`;
    return {
      state: build?.state ?? "unknown",
      tree: gitIn(out, "rev-parse", `${verified}^{tree}`),
      history: historyOf(out, verified),
      tasks: (await listTasks(db, id)).map((task) => `${task.id} ${task.state} ${branchOf(atos, id, task.id)}`),
      effects: effects.map(effectLine).toSorted(),
      events: events.filter(({ event }) => !OF_ATTEMPTS.has(event.type)).map(({ event }) => eventLine(event)),
      told: events.length,
      attempts: effects.reduce((sum, { attempts }) => sum + attempts, 0),
      problems: [
        ...journalProblems({ events, effects }),
        ...attemptProblems(events),
        ...(trail.ok ? [] : [`the audit trail does not add up: ${trail.why}`]),
        ...repositoryProblems(out),
      ],
    };
  } finally {
    await db.destroy();
  }
}

/** A name for a commit and all before it, by trees, messages and who made them. No dates: they are the build's own. */
function historyOf(repository: string, revision: string): string {
  const names = new Map<string, string>();
  const format = "--format=%H%x09%P%x09%T%x09%an%x09%ae%x09%B%x00";
  let last = "";
  for (const text of gitIn(repository, "log", "--reverse", "--topo-order", format, revision).split("\0")) {
    const [commit = "", parents = "", ...rest] = text.trim().split("\t");
    if (commit === "") continue;
    const before = parents.split(" ").map((parent) => names.get(parent) ?? parent);
    last = hashOf([...before, ...rest].join("\n"));
    names.set(commit, last);
  }
  return last;
}

function branchOf({ home }: Installation, build: string, task: string): string {
  const repository = join(home, "workspaces.git");
  const name = `refs/heads/tasks/${build}/${task}`;
  const known = gitIn(repository, "for-each-ref", "--format=%(refname)", name) === name;
  return known ? historyOf(repository, name) : "has no branch";
}

function effectLine({ kind, name, inputHash, state }: Effect): string {
  // What decides the others is also where models lie, and the receipt's date.
  return `${kind} ${name} ${kind === "turn" || kind === "tests" ? inputHash : ""} ${state}`;
}

/** An event without what is another in each build: times, names of commits, the build's own name. */
function eventLine(event: BuildEvent): string {
  const same: Record<string, unknown> = { ...event };
  for (const name of ["durationMs", "commit", "receiptCommit", "directory", "branch"]) delete same[name];
  if (event.type === "turn-finished") same["usage"] = { ...event.usage, cachedTokens: 0 };
  return JSON.stringify(same);
}

/** Attempts of a step are numbered one by one, and a step is not begun again behind an end. */
function attemptProblems(events: readonly RecordedEvent[]): readonly string[] {
  const begun = new Map<string, number>();
  return events.flatMap(({ event, seq }) => {
    if (event.type !== "attempt-started") return [];
    const expected = (begun.get(event.step) ?? 0) + 1;
    begun.set(event.step, event.attempt);
    return event.attempt === expected ? [] : [`event ${seq}: ${event.step} was begun as attempt ${event.attempt}`];
  });
}

function repositoryProblems(out: string): readonly string[] {
  const problems: string[] = [];
  try {
    gitIn(out, "fsck", "--full", "--strict", "--no-progress");
  } catch (error) {
    problems.push(`the delivered repository is damaged: ${String(error)}`);
  }
  const changed = gitIn(out, "status", "--porcelain");
  if (changed !== "") problems.push(`the delivered folder is not as committed: ${changed}`);
  if (existsSync(join(out, ".git", "atos-delivery"))) problems.push("the delivered folder still has its mark");
  return problems;
}

function gitIn(directory: string, ...args: readonly string[]): string {
  return execFileSync("git", ["-C", directory, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
