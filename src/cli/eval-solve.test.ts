import assert from "node:assert/strict";
import { test } from "node:test";
import { Installation } from "../../test/fixtures/atos.ts";
import { stateFolder } from "../base/state-folder.ts";
import { requireLanguage } from "../tools/find-language.ts";
import type { EvalTask } from "../workflows/eval/suite.ts";
import { solveByBuild } from "./eval-solve.ts";

function taskOf(goal: string): EvalTask {
  return { id: "x", language: requireLanguage("python"), goal, entry: [], hidden: [], tests: [] };
}

test("a task is solved by a build of the worker, which is nobody's newest, and one outside the model's domain is refused without one", async () => {
  await using atos = new Installation();
  const env = { PATH: process.env["PATH"], HOME: atos.root, ATOS_HOME: atos.home, ATOS_WORKER_IDLE_SECONDS: "20" };
  const folder = stateFolder({ env, platform: process.platform, home: atos.root });
  const solve = solveByBuild({
    context: {
      env,
      workspace: atos.root,
      folder,
      configDirectory: atos.path("config"),
      databaseUrl: undefined,
      budget: undefined,
    },
    wish: {
      stateRoot: folder.root,
      choice: {
        model: undefined,
        roster: undefined,
        contextTokens: undefined,
        apiKeyVariable: undefined,
        apiKeyFile: undefined,
        thinking: undefined,
        modelsDirectory: folder.models,
        directory: atos.root,
        home: atos.root,
        env,
      },
      unsafe: false,
      seed: 0,
      effort: { fixRounds: { small: 2, large: 4 }, samples: 2 },
      limits: {},
      askPlan: false,
      planOnly: false,
      deterministic: false,
    },
    note: () => {},
    nowMs: () => performance.now(),
  });
  const { signal } = new AbortController();

  const refused = await solve("team", taskOf("Build a web server that serves a blog"), signal);
  assert.deepEqual([refused.outcome, refused.files, refused.turns, refused.build], ["refused", [], 0, undefined]);
  assert.equal(atos.workerPid(), undefined);

  const goal = "Write a Python function add_numbers that adds two numbers, with tests";
  const solved = await solve("team", taskOf(goal), signal);
  assert.equal(solved.outcome, "green", solved.why);
  assert.match(solved.files.find(({ path }) => path === "add_numbers.py")?.content ?? "", /def add_numbers/);
  const receipt = solved.files.find(({ path }) => path === "RECEIPT.md")?.content ?? "";
  assert.match(receipt, /^- toolchain: Python 3\.\d+/m);
  assert.ok(solved.files.every(({ path }) => !/^\.(git|atos)\//.test(path)));
  assert.ok(solved.turns >= 3 && solved.promptTokens > 0 && solved.outputTokens > 0 && solved.durationMs > 0);
  assert.deepEqual([solved.swaps, typeof solved.build], [1, "string"]);

  // Whoever asks for the newest build means one of theirs; by its id it is there like any other.
  assert.deepEqual((await atos.json("list")).lines, [[]]);
  for (const command of ["status", "debug", "resume", "cancel"])
    assert.equal((await atos.json(command)).lines[0]?.["code"], "cli/no-such-build", command);
  const [all] = (await atos.json("list", "--all")).lines;
  assert.deepEqual([Object(all)[0].id, Object(all)[0].evaluation], [solved.build, true]);
  assert.equal((await atos.json("status", String(solved.build))).lines[0]?.["state"], "green");

  const single = await solve("single", taskOf(goal), signal);
  assert.deepEqual([single.outcome, typeof single.build], ["none", "string"]);
  assert.ok(single.turns >= 1, String(single.turns));
});
