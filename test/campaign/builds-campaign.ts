import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { Installation } from "../fixtures/atos.ts";
import { type BuildFacts, buildFacts } from "./build-facts.ts";
import { CAMPAIGN_GOALS, type CampaignGoal } from "./campaign-goals.ts";
import { disturbBuild, type Disturbance, type Disturbed } from "./disturb-build.ts";
import { drawKills, VICTIMS } from "./draw-kills.ts";
import { judgeBuild } from "./judge-build.ts";
import { leftovers } from "./leftovers.ts";
import { randomNumbers } from "./random-numbers.ts";

/** One build that was killed on its way, and what was found of it. */
export const pointSchema = z.object({
  point: z.int(),
  seed: z.int(),
  goal: z.string(),
  struck: z.array(z.enum(VICTIMS)),
  /** Attempts beyond those of an undisturbed build. */
  moreAttempts: z.int(),
  lost: z.array(z.string()),
  doubled: z.array(z.string()),
  /** Where the state of a build is kept that lost or doubled something. */
  kept: z.string().optional(),
  wallMs: z.int(),
});
export type Point = Readonly<z.infer<typeof pointSchema>>;

export type CampaignOptions = {
  /** Numbers of points, from 1 on; those before `from` are done. */
  readonly points: number;
  readonly from: number;
  readonly seed: number;
  readonly goals?: readonly CampaignGoal[];
};

const MOST_DRAWS = 5;
/** An installation knows all its builds, and reads them; a new one now and then is quicker and tries more. */
const POINTS_PER_INSTALLATION = 50;

/**
 * Builds each goal undisturbed once, then again and again with kills drawn from the seed, and compares. A point is one
 * build that something was killed of; what is drawn for a point depends on the seed and its number alone. An abort ends it behind the point that is under way.
 */
export async function runBuildsCampaign(
  { points, from, seed, goals = CAMPAIGN_GOALS }: CampaignOptions,
  progress: (point: Point) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const undisturbed = new Map<string, BuildFacts>();
  for (let point = from; point <= points && !signal.aborted; ) {
    await using place = new Place();
    const last = Math.min(points, point + POINTS_PER_INSTALLATION - 1);
    for (; point <= last && !place.kept && !signal.aborted; point++) {
      const goal = goals[(point - 1) % goals.length];
      if (goal === undefined) throw new RangeError("the campaign has no goals");
      const known = undisturbed.get(goal.name) ?? (await place.undisturbed(goal));
      undisturbed.set(goal.name, known);
      progress(await place.point(goal, { point, seed, known }));
    }
  }
}

/** An installation in which builds are made one after another. */
class Place implements AsyncDisposable {
  readonly #temporary = mkdtempSync(join(tmpdir(), "atos-tmp-"));
  readonly #atos = new Installation({
    TMPDIR: this.#temporary,
    // The usual place, since who is killed keeps nothing of what it compiled.
    NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
    // The worker is asked for its facts between two builds, also where that takes long.
    ATOS_WORKER_IDLE_SECONDS: "120",
  });
  readonly #args = new Map<string, readonly string[]>();
  /** Whether something was found, and its folder stays to be looked at. */
  kept = false;

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.kept) await this.#atos.stopWorker();
    else await this.#atos[Symbol.asyncDispose]();
    rmSync(this.#temporary, { recursive: true, force: true });
  }

  async undisturbed(goal: CampaignGoal): Promise<BuildFacts> {
    const { disturbed, facts } = await this.#build(goal, { out: `undisturbed-${goal.name}`, kills: [], events: 0 });
    const problems = facts?.problems ?? [`it is ${disturbed.state}: ${disturbed.words}`];
    if (facts === undefined || problems.length > 0)
      throw new Error(`${goal.name} does not end well by itself: ${problems.join("; ")}`);
    return facts;
  }

  /** A build of the goal, drawn again when it ended before anything could be killed. */
  async point(
    goal: CampaignGoal,
    { point, seed, known }: { readonly point: number; readonly seed: number; readonly known: BuildFacts },
  ): Promise<Point> {
    const startedAt = performance.now();
    await this.#forgetCrashes();
    for (let draw = 0; draw < MOST_DRAWS; draw++) {
      const random = randomNumbers(seed * 1_000_003 + point * 101 + draw);
      const kills = drawKills(random, VICTIMS[(point + draw) % VICTIMS.length] ?? "worker");
      const out = `point-${point}-${draw}`;
      const { disturbed, facts } = await this.#build(goal, { out, kills, events: known.told });
      const { struck, id, state, words } = disturbed;
      if (struck.length === 0) continue;
      const { lost, doubled } =
        facts === undefined
          ? { lost: [`build ${id} did not come to its end, it is ${state}: ${words}`], doubled: [] }
          : judgeBuild(facts, known);
      this.kept = lost.length + doubled.length > 0;
      return {
        point,
        seed,
        goal: goal.name,
        struck: [...struck],
        moreAttempts: (facts?.attempts ?? known.attempts) - known.attempts,
        lost: [...lost],
        doubled: [...doubled],
        ...(this.kept ? { kept: this.#atos.root } : {}),
        wallMs: Math.round(performance.now() - startedAt),
      };
    }
    throw new Error(`point ${point}: ${MOST_DRAWS} builds ended before anything of them could be killed`);
  }

  /** Models that were killed in other points would be taken for such that go on dying, and be left alone. */
  async #forgetCrashes(): Promise<void> {
    await this.#atos.stopWorker();
    rmSync(this.#atos.path("home", "pool.json"), { force: true });
  }

  async #build(
    goal: CampaignGoal,
    { out, ...how }: Omit<Disturbance, "args"> & { readonly out: string },
  ): Promise<{ readonly disturbed: Disturbed; readonly facts: BuildFacts | undefined }> {
    const args = this.#args.get(goal.name) ?? goal.args(this.#atos);
    this.#args.set(goal.name, args);
    const disturbed = await disturbBuild(this.#atos, { ...how, args: [...args, "--out", out] });
    if (!["green", "red"].includes(disturbed.state)) return { disturbed, facts: undefined };
    // Asked last, with a worker that is up.
    const receipt = await this.#atos.json("receipt", "verify", out);
    const facts = await buildFacts(this.#atos, { id: disturbed.id, out: this.#atos.path(out) });
    const verdict = `receipt verify ended with ${receipt.code}`;
    const problems = [...facts.problems, ...(await leftovers(this.#atos, this.#temporary))];
    return { disturbed, facts: { ...facts, events: [...facts.events, verdict], problems } };
  }
}
