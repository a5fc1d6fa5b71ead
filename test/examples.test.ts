import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { readClosedDomain } from "../src/agents/closed-domain.ts";
import { goalParts } from "../src/agents/goal-parts.ts";
import { Installation } from "./fixtures/atos.ts";
import { gitIn, receiptOf } from "./fixtures/build-with.ts";

/* Every example runs from a copy, as somebody would run it, and its page shows what it prints. */
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const EXAMPLES = readdirSync(join(ROOT, "examples")).filter((name) => /^\d\d-/.test(name));
const MAX_README_LINES = 40;

let atos: Installation;
before(() => {
  atos = new Installation();
  cpSync(join(ROOT, "examples"), atos.path("examples"), { recursive: true });
  // What they call lies beside them in a clone.
  for (const name of ["atos", "models", "test", "docs", "roles"]) symlinkSync(join(ROOT, name), atos.path(name));
});
after(() => atos[Symbol.asyncDispose]());

test("01: a goal goes to a model, and a plan with tests comes back and is remembered", async () => {
  const { stdout, out } = await run("01-tracer-bullet");
  assert.match(stdout, /the plan and its tests stand/);
  assert.match(stdout, /── prompt as sent ──\n<\|im_start\|>user\nspec\nWrite a Python function add_numbers/);
  assertShows("01-tracer-bullet", stdout);
  const [build] = (await atos.json("list")).lines.flat();
  assert.deepEqual(
    { state: Object(build)["state"], outDirectory: Object(build)["outDirectory"] },
    { state: "paused", outDirectory: out },
  );
});

test("02: one function is built, tests first, and its receipt holds", async () => {
  const { stdout, out } = await run("02-one-agent-one-task");
  assertShows("02-one-agent-one-task", stdout);
  assert.equal(
    gitIn(out, "log", "--format=%s"),
    "Receipt: green\nwrite is_even(n)\nAcceptance tests, frozen before the code",
  );
});

test("03: two tasks overlap, and both are in what is delivered", async () => {
  const { stdout, out } = await run("03-pool-in-parallel");
  assert.match(stdout, /^at once: 2 tasks, [12] turns$/m);
  assert.match(stdout, /running: add_numbers, is_even/);
  assert.match(stdout, /^add_numbers +merged +fast-forward\nis_even +merged +merge\nbuild +green$/m);
  assert.deepEqual(tasksOf(out), [
    { id: "add_numbers", tier: "simple", samples: 1, rounds: 0, state: "green" },
    { id: "is_even", tier: "simple", samples: 1, rounds: 0, state: "green" },
  ]);
});

test("04: repair, escalation and merging end in a receipt that holds", async () => {
  const { stdout, out } = await run("04-full-team");
  assertShows("04-full-team", stdout);
  assert.match(stdout, /count_words: .*reflect → resample .*reflect → escalate .*review → done/);
  assert.match(stdout, /✔ the tests pass again/);
  assert.deepEqual(tasksOf(join(out, "top-words")), [
    { id: "split_words", tier: "simple", samples: 1, rounds: 1, state: "green" },
    { id: "count_words", tier: "medium", samples: 3, rounds: 2, state: "green" },
    { id: "top_words", tier: "complex", samples: 1, rounds: 0, state: "green" },
  ]);
});

test("each example has a short page", () => {
  assert.deepEqual(
    EXAMPLES.filter((name) => readme(name).trimEnd().split("\n").length > MAX_README_LINES),
    [],
  );
  assert.equal(EXAMPLES.length, 4);
});

test("the sample goals for the built-in model are of its domain, the others are not", () => {
  const domain = readClosedDomain(readFileSync(join(ROOT, "models/nano/domain.yaml"), "utf8"));
  const { nano, general } = z
    .strictObject({
      nano: z.array(z.strictObject({ goal: z.string(), functions: z.int() })),
      general: z.array(z.strictObject({ goal: z.string() })),
    })
    .parse(parse(readFileSync(join(ROOT, "examples/goals.yaml"), "utf8")));
  assert.deepEqual(
    nano.map(({ goal }) => goalParts(goal, domain)?.length),
    nano.map(({ functions }) => functions),
  );
  assert.deepEqual(
    general.filter(({ goal }) => goalParts(goal, domain) !== undefined),
    [],
  );
});

/** Runs an example with a fresh folder as its argument; one that fails fails the test with all it said. */
async function run(name: string): Promise<{ readonly stdout: string; readonly out: string }> {
  const folder = atos.path("examples", name);
  const script = readdirSync(folder).includes("run.sh") ? ["bash", "run.sh"] : [process.execPath, "run.ts"];
  const [program = "", file = ""] = script;
  const out = atos.path(`out-${name}`);
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: atos.root,
    ATOS_HOME: atos.home,
    ATOS_WORKER_IDLE_SECONDS: "60",
  };
  return new Promise((resolve, reject) => {
    execFile(program, [join(folder, file), out], { cwd: atos.root, env }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, out });
      else reject(new Error(`${name}: ${stdout}\n${stderr}`, { cause: error }));
    });
  });
}

/** Every line of an example's page that stands in a block is in its output, but for what differs from run to run. */
function assertShows(name: string, stdout: string): void {
  const printed = new Set(stdout.split("\n").map(withoutChance));
  const blocks = [...readme(name).matchAll(/^```text\n([\s\S]*?)^```$/gm)].flatMap(([, text = ""]) => text.split("\n"));
  assert.ok(blocks.length > 3, `${name} shows nothing`);
  assert.deepEqual(
    blocks.map(withoutChance).filter((line) => line !== "" && !printed.has(line)),
    [],
  );
}

/** Times, hashes, ids and folders are of one run. */
function withoutChance(line: string): string {
  return line
    .replaceAll(/\d+\.\d+ s\b/g, "TIME")
    .replaceAll(/\d{6}-[0-9a-f]{8}|[0-9a-f]{10,}/g, "ID")
    .replaceAll(/(?:\.|\/\S*)\/(?:out-[\w-]+|even)\b/g, "FOLDER")
    .trimEnd();
}

function readme(name: string): string {
  return readFileSync(join(ROOT, "examples", name, "README.md"), "utf8");
}

function tasksOf(out: string): readonly unknown[] {
  return z
    .array(
      z.object({
        id: z.string(),
        tier: z.string(),
        samples: z.number(),
        rounds: z.number(),
        state: z.string(),
      }),
    )
    .parse(receiptOf(out)["tasks"]);
}
