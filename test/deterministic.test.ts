import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type BuildFacts, buildFacts } from "./campaign/build-facts.ts";
import { judgeBuild } from "./campaign/judge-build.ts";
import { Installation } from "./fixtures/atos.ts";
import { code, goodLines, tests, withLines, writeCuedTeam } from "./fixtures/cued-team.ts";
import { startTeamServer } from "./fixtures/team-server.ts";

/*
 * With `--deterministic` the same goal, seed and models make the same: twice in fresh installations, once on a busy
 * machine, with other numbers of slots, so that tasks side by side end in another order.
 */
const NANO = fileURLToPath(new URL("../models/nano/", import.meta.url));
const GOAL =
  "Write a Python function add_numbers that adds two numbers, a function is_even that checks whether a number is even and a function shout that converts a string to upper case";
const TASKS = [{ id: "base" }, { id: "left", after: "base" }, { id: "right", after: "base" }] as const;

/** Its test fails with words that Python would order, and with an address that it would choose, anew each time. */
const UNSTEADY = ["class Part:", "    pass", ""];
const UNSTEADY_RESULT = '[{"one", "two", "three", "four", "five", "six"}, Part()]';

const SAME = { lost: [], doubled: [] };

function nanoRoster(atos: Installation, slots: number): string {
  copyFileSync(`${NANO}atos-nano-q8_0.gguf`, atos.path("n.gguf"));
  const roster = {
    name: "slots",
    prompts: `${NANO}prompts`,
    domain: `${NANO}domain.yaml`,
    models: { n: { file: "n.gguf", context_tokens: 1024, slots } },
    tiers: { simple: "n", medium: "n", complex: "n" },
  };
  // JSON is YAML.
  writeFileSync(atos.path("nano.yaml"), JSON.stringify(roster));
  return atos.path("nano.yaml");
}

function teamRoster(atos: Installation): string {
  const good = goodLines(...TASKS);
  const lines = withLines(
    good,
    { role: "developer", task: "left", seeing: "That did not pass", says: code("left", 2) },
    { role: "developer", task: "left", says: code("left", UNSTEADY_RESULT, ...UNSTEADY) },
    { role: "tester", task: "left", says: tests("left", 2) },
  );
  return writeCuedTeam(atos.path("team"), lines, { name: "team" });
}

async function built(atos: Installation, goal: string, roster: string): Promise<BuildFacts> {
  const out = `out-${goal.length}`;
  const {
    code: exitCode,
    lines,
    stderr,
  } = await atos.json("build", goal, "--deterministic", "--seed", "7", "--roster", roster, "--out", out);
  assert.equal(exitCode, 0, `${stderr}\n${JSON.stringify(lines.at(-1))}`);
  return buildFacts(atos, { id: String(lines.at(-1)?.["build"]), out: atos.path(out) });
}

function busyProcessor(): Disposable {
  const child = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
  return { [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

test("the same goal, seed and models make the same turns, trees and history, whatever the slots and the load", async () => {
  await using one = new Installation();
  await using other = new Installation();
  const nano = await built(one, GOAL, nanoRoster(one, 1));
  const team = await built(one, "Write a demo", teamRoster(one));
  using _busy = busyProcessor();
  // In the other order too: what a model did before changes nothing.
  assert.deepEqual(judgeBuild(await built(other, "Write a demo", teamRoster(other)), team), SAME);
  assert.deepEqual(judgeBuild(await built(other, GOAL, nanoRoster(other, 3)), nano), SAME);
});

test("a person is told that the promise does not hold for a model on a server", async () => {
  await using atos = new Installation();
  await using server = await startTeamServer();
  const args = ["build", "Write add_numbers", "--model", `${server.baseUrl}#m`, "--out", "out", "--deterministic"];
  const { code: exitCode, stderr } = await atos.run(...args);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /--deterministic holds for model files only; \S+ on a server may answer otherwise each time/);
});
