import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { askWorker } from "../src/cli/models-unload.ts";
import { VERSION } from "../src/cli/version.ts";
import { type PoolStatus, poolStatusSchema } from "../src/pool/pool-status.ts";
import { takeFileLock } from "../src/store/file-lock.ts";
import { removePoolStatus, writePoolStatus } from "../src/store/pool-status.ts";
import { finishUnloadWish, takeUnloadWishes, type UnloadWish } from "../src/store/unload-wishes.ts";
import { Installation } from "./fixtures/atos.ts";
import { assertNoStackTrace } from "./fixtures/build-with.ts";
import { scratchDatabase } from "./fixtures/scratch-database.ts";
import { good, startTeamServer } from "./fixtures/team-server.ts";

const GIB = 2 ** 30;
/** Above every process id that systems give out, so that nothing is ever sent to it. */
const NO_PID = 2 ** 30;
const WORKER = "0123456789abcdef";
const atos = new Installation();
const scratch = await scratchDatabase({ migrated: true });
after(async () => {
  await atos[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const status: PoolStatus = {
  atMs: Date.now(),
  policy: "plan",
  devices: [
    {
      id: "gpu0",
      name: "GPU",
      totalBytes: 8 * GIB,
      budgetBytes: 7 * GIB,
      reserveBytes: GIB,
      othersBytes: 0,
      bookedBytes: GIB,
    },
  ],
  residents: [
    {
      model: "coder",
      state: "ready",
      devices: ["gpu0"],
      slots: 2,
      contextTokens: 4096,
      memory: { weights: GIB, caches: 0, adapters: 0, compute: 0 },
      why: "a test",
      loadedAtMs: Date.now(),
      turns: [],
    },
  ],
  queue: [],
  servers: [],
  quarantined: [],
  notes: [],
};

/** Stands in for the worker of `atos`, as clients find one: a lock that is held, and a file that says where to ask. */
function pretendWorker(more: { readonly budgetBytes?: number } = {}): Disposable {
  mkdirSync(atos.home, { recursive: true, mode: 0o700 });
  const lock = takeFileLock(join(atos.home, "worker.lock"));
  assert.ok(lock !== undefined);
  const file = join(atos.home, "worker.json");
  const worker = { pid: NO_PID, databaseUrl: scratch.url, givenDatabase: false, workerId: WORKER, version: VERSION };
  writeFileSync(file, JSON.stringify({ ...worker, ...more }));
  return {
    [Symbol.dispose]: () => {
      rmSync(file);
      lock[Symbol.dispose]();
    },
  };
}

/** The next wish that a client has, seen from the worker. */
async function nextWish(): Promise<UnloadWish> {
  for (let i = 0; i < 600; i++) {
    const [wish] = await takeUnloadWishes(scratch.db, WORKER);
    if (wish !== undefined) return wish;
    await setTimeout(50);
  }
  assert.fail("nobody asked to unload anything");
}

test("without a worker nothing is loaded, none is started, and the machine's memories are told", async () => {
  const said = await atos.run("models", "ps");
  assert.equal(said.code, 0, said.stderr);
  assert.match(said.stdout, /^Nothing is loaded\. .*\n\nmemory, in GiB +total reserve +others +budget +booked\n/);
  const { lines } = await atos.json("models", "ps");
  const { workers, devices }: { workers?: unknown; devices?: unknown } = lines[0] ?? {};
  assert.deepEqual(workers, []);
  assert.ok(Array.isArray(devices) && devices.every((device) => Object(device).budgetBytes >= 0) && devices.length > 0);
  assert.deepEqual((await atos.json("models", "unload")).lines, [{ unloaded: [], busy: [] }]);
  const unload = await atos.run("models", "unload", "coder");
  assert.deepEqual([unload.code, unload.stdout], [2, ""]);
  assert.match(unload.stderr, /no model called coder is loaded; what is: atos models ps \[cli\/model-not-loaded\]/);
  assert.equal(atos.workerPid(), undefined);
});

test("what the worker told is shown, and what another version told is left out", async () => {
  using _worker = pretendWorker();
  await writePoolStatus(scratch.db, { worker: WORKER, status, at: new Date() });
  await writePoolStatus(scratch.db, { worker: "other", status: { residents: 1 }, at: new Date() });
  assert.deepEqual((await atos.json("models", "ps")).lines, [{ workers: [{ worker: WORKER, status }] }]);
  assert.match((await atos.run("models", "ps")).stdout, /^coder: 0 of 2 slots at work, 4096 tokens each, on gpu0\n/);
});

test("--watch tells each change in a line, until Ctrl-C, also when the worker comes and goes", async () => {
  await writePoolStatus(scratch.db, { worker: WORKER, status, at: new Date() });
  const watch = atos.start(["models", "ps", "--watch"]);
  let text = "";
  watch.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  const told = async (count: number): Promise<readonly Record<string, unknown>[]> => {
    for (let i = 0; i < 600 && text.split("\n").length <= count; i++) await setTimeout(50);
    return text
      .trim()
      .split("\n")
      .map((line): Record<string, unknown> => Object(JSON.parse(line)));
  };
  assert.deepEqual(
    (await told(1)).map(({ workers }) => workers),
    [[]],
  );
  {
    using _worker = pretendWorker();
    assert.deepEqual((await told(2)).at(-1), { workers: [{ worker: WORKER, status }] });
    // The same told again is no news.
    await writePoolStatus(scratch.db, { worker: WORKER, status: { ...status, atMs: 1 }, at: new Date() });
    await setTimeout(1500);
    const changed = { ...status, residents: [] };
    await writePoolStatus(scratch.db, { worker: WORKER, status: changed, at: new Date() });
    const lines = await told(3);
    assert.deepEqual([lines.length, lines.at(-1)], [3, { workers: [{ worker: WORKER, status: changed }] }]);
    await removePoolStatus(scratch.db, WORKER);
    assert.deepEqual((await told(4)).at(-1)?.["workers"], []);
  }
  watch.kill("SIGINT");
  const ended = await watch.ended;
  assert.deepEqual([ended.code, ended.stderr], [0, ""]);
});

test("unload asks the worker, and says what has gone and what goes later", async () => {
  using _worker = pretendWorker();
  const all = atos.run("models", "unload");
  const { id, model } = await nextWish();
  assert.equal(model, undefined);
  await finishUnloadWish(scratch.db, { id, answer: { unloaded: ["coder", "small"], busy: ["large"] }, at: new Date() });
  assert.deepEqual(await all, {
    code: 0,
    stdout: "unloaded: coder, small\nlarge is at work for a turn; it is unloaded when that ends\n",
    stderr: "",
  });
  const one = atos.json("models", "unload", "coder");
  const wish = await nextWish();
  assert.equal(wish.model, "coder");
  await finishUnloadWish(scratch.db, { id: wish.id, answer: { unloaded: ["coder"], busy: [] }, at: new Date() });
  assert.deepEqual((await one).lines, [{ unloaded: ["coder"], busy: [] }]);
});

test("a worker that does not answer in time is asked no more", async () => {
  const asked = { connection: { db: scratch.db, workerId: WORKER }, model: undefined };
  await assert.rejects(askWorker(asked, 300), { code: "cli/unload-waits", message: /no answer within 0\.3 s/ });
  assert.deepEqual(await takeUnloadWishes(scratch.db, WORKER), []);
});

test("a budget is the worker's: another one is refused, the same or none goes along", async () => {
  for (const [budgetBytes, budget, says] of [
    [4 * GIB, "8gb", /a worker with a budget of 4\.0 GiB is running, and the budget given .* is 8gb\..* kill \d+/],
    [undefined, "4 GiB", /a worker without a budget is running, and the budget given .* is 4 GiB/],
  ] as const) {
    using _worker = pretendWorker(budgetBytes === undefined ? {} : { budgetBytes });
    for (const words of [["build", "Write add_numbers", "--out", "o"], ["resume"]]) {
      const refused = await atos.run(...words, "--budget", budget);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, says);
      assertNoStackTrace(refused.stderr);
    }
  }
  {
    using _worker = pretendWorker({ budgetBytes: 4 * GIB });
    for (const flags of [["--budget", "4096mib"], []]) {
      const resumed = await atos.json("resume", ...flags);
      assert.equal(resumed.lines[0]?.["code"], "cli/no-such-build");
    }
  }
  const wrong = await atos.json("build", "Write add_numbers", "--out", "o", "--budget", "4");
  assert.deepEqual([wrong.code, wrong.lines[0]?.["code"]], [2, "cli/bad-setting"]);
});

test("the budget that a workspace's settings give reaches the worker that is started for it, and models ps looks at it", async () => {
  await using own = new Installation();
  await using server = await startTeamServer((role) => (role === "tester" ? { kind: "hang" } : good(role)));
  mkdirSync(own.path(".atos"));
  writeFileSync(own.path(".atos", "config.yaml"), "budget: 3.5gb\n");
  const build = own.start(["build", "Write add_numbers", "--out", "o", "--model", `${server.baseUrl}#m`, "--json"]);
  let text = "";
  build.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  for (let i = 0; i < 600 && !text.includes('"step":"tests/turn-1"') && build.exitCode === null; i++)
    await setTimeout(50);
  const worker: { budgetBytes?: number } = JSON.parse(readFileSync(join(own.home, "worker.json"), "utf8"));
  assert.equal(worker.budgetBytes, 3.5 * GIB);
  const said = await own.run("models", "ps");
  assert.deepEqual([said.code, said.stderr], [0, ""]);
  const { workers } = Object((await own.json("models", "ps")).lines[0]);
  for (const each of workers) poolStatusSchema.parse(each.status);
  const shown = await own.json("config", "show");
  assert.deepEqual(Object(shown.lines[0]?.["settings"]).budget, {
    value: "3.5gb",
    from: own.path(".atos", "config.yaml"),
  });
  build.kill("SIGINT");
  assert.equal((await build.ended).code, 130);
  const { lines } = await own.json("status");
  const swaps = { loads: 0, unloads: 0, resizes: 0, loadingMs: 0 };
  const { computingMs, waitingMs, ...counts } = Object(lines[0]?.["swaps"]);
  assert.deepEqual(counts, swaps);
  assert.ok(computingMs >= 0 && waitingMs >= 0);
});

test("doctor tells a GPU's memory, and proposes a roster with its arithmetic", async () => {
  await using own = new Installation({ PATH: `${atos.path("bin")}:${process.env["PATH"] ?? ""}` });
  mkdirSync(atos.path("bin"), { recursive: true });
  // As nvidia-smi writes it, with the fields in the order that it was asked for.
  const row = "GPU-5c5b1f1e-0000-4b6e-9c1d-000000000000, 0, NVIDIA GeForce RTX 3070, 8192, 300, 7713, [N/A]";
  writeFileSync(atos.path("bin", "nvidia-smi"), `#!/bin/sh\necho "${row}"\n`);
  chmodSync(atos.path("bin", "nvidia-smi"), 0o755);
  const { lines } = await own.json("doctor");
  const { findings, proposal, devices } = Object(lines[0]);
  const gpu = Object(findings.find(({ name }: { name: string }) => name === "gpu"));
  assert.match(gpu.detail, /^gpu0 NVIDIA GeForce RTX 3070 with 7\.8 GiB, 7\.5 GiB free now/);
  assert.equal(Object(devices.at(-1)).totalBytes, 8013 * 2 ** 20);
  assert.deepEqual(Object.keys(proposal), ["roster", "budgetBytes", "needs", "missing", "lines"]);
  assert.match(
    (await own.run("doctor")).stdout,
    /\nThe roster for this machine: \w+\n {2}\w+ memory .* GiB − reserve /,
  );
});
