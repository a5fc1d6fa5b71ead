import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AtosError } from "../base/errors.ts";
import type { PlannedTask } from "../base/events.ts";
import { allBuildEvents } from "../journal/build-events.ts";
import { type Journal, runEffect } from "../journal/effect.ts";
import { recordOnce } from "../journal/record-once.ts";
import { type Build, findBuild, insertBuild } from "../store/builds.ts";
import { listEffects } from "../store/effects.ts";
import { insertTasks, listTasks } from "../store/tasks.ts";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { type BuildRequest, buildRequestSchema } from "./build-request.ts";
import { type ForkWish, forkBuild, forkRequest } from "./fork-build.ts";
import { prepareBuild } from "./prepare-build.ts";

const at = new Date(Date.UTC(2026, 0, 1));
const TASK: PlannedTask = {
  id: "code",
  tier: "simple",
  files: ["a.py"],
  after: [],
  description: "d",
  covers: [1],
  kind: "other",
};

async function nanoRequest(): Promise<BuildRequest> {
  const root = await mkdtemp(join(tmpdir(), "atos-fork-"));
  try {
    const { request } = await prepareBuild({
      goal: "Write a Python function add_numbers that adds two numbers",
      out: join(root, "out"),
      stateRoot: join(root, "home"),
      unsafe: false,
      seed: 5,
      createdAtMs: at.getTime(),
      effort: { fixRounds: { small: 1, large: 1 }, samples: 1 },
      limits: { tokens: 100 },
      askPlan: true,
      planOnly: true,
      shape: "team",
      deterministic: false,
      choice: {
        model: undefined,
        roster: undefined,
        contextTokens: undefined,
        apiKeyVariable: undefined,
        apiKeyFile: undefined,
        thinking: undefined,
        modelsDirectory: join(root, "models"),
        directory: root,
        home: root,
        env: {},
      },
    });
    return request;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

test("a fork has its own copies of the steps before, their tasks and their events, and waits to be run", async () => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db } = scratch;
  const old = await insertBuild(db, {
    id: "old",
    goal: "g",
    request: await nanoRequest(),
    worker: "w",
    outDirectory: "/out",
    at,
  });
  let ms = at.getTime();
  const journal: Journal = { db, now: () => new Date(ms++) };
  const turn = async (name: string): Promise<void> => {
    const step = { buildId: "old", name, kind: "turn", task: "code", input: name } as const;
    await runEffect(journal, { ...step, signal: AbortSignal.timeout(9000) }, async () => ({
      result: name,
      events: [],
    }));
  };
  await turn("spec/turn-1");
  await recordOnce(journal, { buildId: "old", name: "plan made" }, async (trx) => {
    await insertTasks(trx, { buildId: "old", tasks: [TASK], at });
    return { result: null, events: [{ type: "plan-made", tasks: [TASK] }] };
  });
  await recordOnce(journal, { buildId: "old", name: "tasks/code: running" }, async () => ({
    result: null,
    events: [{ type: "task-state", task: "code", state: "running" }],
  }));
  await turn("tasks/code/simple-1/turn-1");
  await turn("tasks/code/simple-1/turn-2");

  const wish: ForkWish = {
    build: old,
    steps: ["tasks/code/simple-1/turn-2"],
    seed: 6,
    outDirectory: "/out-fork",
    id: "new",
    worker: "w",
    canAsk: false,
    at: new Date(ms++),
  };
  const { build, kept } = await forkBuild(db, wish);
  assert.deepEqual(kept, ["spec/turn-1", "plan made", "tasks/code: running", "tasks/code/simple-1/turn-1"]);
  assert.deepEqual([build.state, build.forkedFrom, build.forkedStep], ["queued", "old", "tasks/code/simple-1/turn-2"]);
  const [copied, originals] = [await listEffects(db, "new"), await listEffects(db, "old")];
  assert.deepEqual(
    copied,
    originals.slice(0, 4).map((effect) => ({ ...effect, id: `new/${effect.name}`, buildId: "new" })),
  );
  assert.deepEqual(
    (await listTasks(db, "new")).map(({ id, state, covers }) => [id, state, covers]),
    [["code", "running", [1]]],
  );
  const trail = await allBuildEvents(db, "new");
  assert.deepEqual(trail[0]?.event, {
    type: "build-forked",
    from: "old",
    step: "tasks/code/simple-1/turn-2",
    steps: 4,
    events: 4,
    seed: 6,
  });
  assert.deepEqual(
    trail.slice(1).map(({ event }) => event.type),
    ["attempt-started", "plan-made", "task-state", "attempt-started"],
  );
  const request = buildRequestSchema.parse((await findBuild(db, "new"))?.request);
  assert.deepEqual(request.keptSeeds, { "spec/turn-1": 5, "tasks/code/simple-1/turn-1": 5 });
  assert.deepEqual([request.seed, request.limits, request.askPlan, request.planOnly], [6, {}, false, false]);

  const refused = (build_: Build, steps: readonly string[], code: string): Promise<void> =>
    assert.rejects(
      forkBuild(db, { ...wish, build: build_, steps, id: "other" }),
      (error) => error instanceof AtosError && error.code === code,
    );
  await refused(old, ["ghost"], "workflows/no-such-step");
  await refused({ ...old, request: { workflowVersion: "older" } }, wish.steps, "workflows/other-version");
  assert.equal(await findBuild(db, "other"), undefined);
});

test("a fork of a fork keeps each turn's own seed, and one on a repository has a branch of its own", async () => {
  const old = { ...(await nanoRequest()), seed: 6, keptSeeds: { a: 5, b: 7 } };
  const effects = ["a", "b", "c", "d"].map((name) => ({ name, kind: "turn" }) as const);
  const kept = ["a", "b", "c"];
  const place = { id: "new", outDirectory: "/out", canAsk: true };
  const again = forkRequest(old, place, { effects, kept });
  assert.deepEqual([again.seed, again.keptSeeds, again.askPlan], [6, { a: 5, b: 7 }, true]);
  const other = forkRequest(old, { ...place, seed: 7 }, { effects, kept });
  assert.deepEqual([other.seed, other.keptSeeds], [7, { a: 5, c: 6 }]);
  const none = forkRequest({ ...old, keptSeeds: {} }, place, { effects, kept });
  assert.equal(Object.hasOwn(none, "keptSeeds"), false);
  const repository = { directory: "/repo", revision: "c0ffee", branch: "atos/old" };
  assert.deepEqual(forkRequest({ ...old, repository }, place, { effects, kept }).repository, {
    ...repository,
    branch: "atos/new",
  });
});
