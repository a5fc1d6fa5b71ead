import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { poolStatusSchema } from "../src/pool/pool-status.ts";
import { Installation } from "./fixtures/atos.ts";

/*
 * Builds whose two models (copies of the built-in one) fit together or do not, by the budget of the worker.
 */
const NANO = fileURLToPath(new URL("../models/nano/", import.meta.url));
const GOAL = "Write a Python function add_numbers that adds two numbers, with tests";

type Line = Readonly<Record<string, unknown>>;

function install(budget: string): Installation {
  const atos = new Installation({ ATOS_BUDGET: budget });
  after(() => atos[Symbol.asyncDispose]());
  for (const name of ["a", "b"]) copyFileSync(`${NANO}atos-nano-q8_0.gguf`, atos.path(`${name}.gguf`));
  const roster = {
    name: "two",
    prompts: `${NANO}prompts`,
    domain: `${NANO}domain.yaml`,
    models: { a: { file: "a.gguf", context_tokens: 1024 }, b: { file: "b.gguf", context_tokens: 1024 } },
    tiers: { simple: "a", medium: "a", complex: "a" },
    roles: { tester: "b", reviewer: "b" },
  };
  // JSON is YAML.
  writeFileSync(atos.path("two.yaml"), JSON.stringify(roster));
  return atos;
}

function ofType(lines: readonly Line[], type: string): readonly Line[] {
  return lines.filter((line) => line["type"] === type);
}

test("two models that do not fit together take turns, each swap with its reason, and the build is green", async () => {
  const atos = install("150mib");
  const { code, lines, stderr } = await atos.json("build", GOAL, "--roster", "two.yaml", "--out", "out");
  assert.equal(code, 0, stderr);
  const loads = ofType(lines, "model-loaded").map(({ model }) => model);
  assert.ok(loads.length >= 3, `loads: ${loads.join(", ")}`);
  assert.ok(
    loads.every((model, at) => model !== loads[at - 1]),
    `they take turns: ${loads.join(", ")}`,
  );
  for (const { model, evict, why } of ofType(lines, "model-loading").slice(1)) {
    assert.deepEqual(evict, [model === "a" ? "b" : "a"]);
    assert.match(String(why), /\S/);
  }
  const [result] = ofType(lines, "result");
  const swaps: Line = Object(result?.["swaps"]);
  assert.equal(swaps["loads"], loads.length);
});

test("two models that fit together are loaded once each, and models ps tells what they take", async () => {
  const atos = install("1gib");
  const { code, lines, stderr } = await atos.json("build", GOAL, "--roster", "two.yaml", "--out", "out");
  assert.equal(code, 0, stderr);
  assert.deepEqual(new Set(ofType(lines, "model-loaded").map(({ model }) => model)), new Set(["a", "b"]));
  assert.deepEqual(ofType(lines, "model-unloaded"), []);
  const [shown] = (await atos.json("models", "ps")).lines;
  const [worker]: readonly Line[] = Object(shown?.["workers"]);
  const { residents, devices } = poolStatusSchema.parse(worker?.["status"]);
  assert.equal(ofType(lines, "model-loaded").length, 2);
  const booked = residents.map(({ memory }) => Object.values(memory).reduce((sum, bytes) => sum + bytes, 0));
  assert.deepEqual(residents.map(({ model }) => model).toSorted(), ["a", "b"]);
  assert.equal(
    booked.reduce((sum, bytes) => sum + bytes, 0),
    devices.reduce((sum, { bookedBytes }) => sum + bookedBytes, 0),
  );
  const unloaded = await atos.json("models", "unload");
  assert.deepEqual(unloaded.code, 0);
  const again = await atos.json("models", "ps");
  const [rest]: readonly Line[] = Object(again.lines[0]?.["workers"]);
  assert.deepEqual(poolStatusSchema.parse(rest?.["status"]).residents, []);
});

test("a model that no budget of the worker can hold is refused with the arithmetic, and nothing is built", async () => {
  const atos = install("40mib");
  const { code, lines } = await atos.json("build", GOAL, "--roster", "two.yaml", "--out", "out");
  assert.equal(code, 3);
  const [result] = ofType(lines, "result");
  assert.match(JSON.stringify(result), /the model a needs \d+ MiB of system .*, and there is not so much/);
});

test("a build whose worker is killed between two swaps goes on and ends green", async () => {
  const atos = install("150mib");
  const client = atos.start(["build", GOAL, "--roster", "two.yaml", "--out", "out", "--json"]);
  let seen = "";
  client.stdout?.on("data", (chunk: Buffer) => (seen += chunk.toString("utf8")));
  for (let i = 0; i < 3000 && !seen.includes('"type":"model-unloaded"'); i++) await setTimeout(20);
  const worker = atos.workerPid();
  assert.ok(worker !== undefined);
  process.kill(worker, "SIGKILL");
  const { code, stderr } = await client.ended;
  assert.equal(code, 0, stderr);
});
