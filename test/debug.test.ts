import assert from "node:assert/strict";
import { after, test } from "node:test";
import { z } from "zod";
import { Installation } from "./fixtures/atos.ts";
import { assertGreen, buildWith } from "./fixtures/build-with.ts";
import { writeTeam } from "./fixtures/scripted-team.ts";
import { good, startTeamServer } from "./fixtures/team-server.ts";

const atos = new Installation();
after(() => atos[Symbol.asyncDispose]());

const turnsSchema = z.object({
  turns: z.array(
    z.object({
      step: z.string(),
      prompt: z.object({
        text: z.string(),
        extendsWhole: z.boolean(),
        tokens: z.number(),
        exact: z.boolean(),
        parts: z.array(z.object({ part: z.string(), tokens: z.number() })),
      }),
      usage: z.object({ promptTokens: z.number() }),
      reply: z.string(),
      rejected: z.string().optional(),
    }),
  ),
});

async function turnsOf(task: string) {
  const shown = await atos.json("debug", task);
  assert.equal(shown.code, 0, shown.stderr);
  return turnsSchema.parse(shown.lines[0]).turns;
}

test("debug shows every prompt as the embedded model got it, and each extends the one before", async () => {
  const roster = writeTeam(
    atos.path("team"),
    { tester: "FILE: add_numbers.py\n```python\nx = 1\n```\n" },
    await server(),
  );
  const built = await buildWith(atos, "out", ["--roster", roster]);
  assert.equal(built.code, 1);
  const turns = await turnsOf("tests");
  assert.deepEqual(
    turns.map(({ step }) => step),
    ["tests/turn-1", "tests/turn-2", "tests/turn-3", "tests/turn-4"],
  );
  for (const { prompt, usage, rejected } of turns) {
    assert.deepEqual([prompt.extendsWhole, prompt.exact], [true, true]);
    assert.equal(prompt.tokens, usage.promptTokens);
    assert.match(prompt.text, /^<\|im_start\|>system\nYou are the tester/);
    assert.match(rejected ?? "", /add_numbers\.py is not a test file/);
    const sum = prompt.parts.reduce((total, { tokens }) => total + tokens, 0);
    assert.ok(sum >= prompt.tokens, `the parts are ${sum} tokens and the prompt ${prompt.tokens}`);
  }
  const [first, told, drawn] = turns;
  assert.ok(first !== undefined && told !== undefined);
  assert.ok(told.prompt.text.startsWith(first.prompt.text + first.reply));
  assert.match(told.prompt.text, /Your answer could not be used: add_numbers\.py is not a test file/);
  assert.equal(drawn?.prompt.text, told.prompt.text);
  const kinds = told.prompt.parts.map(({ part }) => part);
  assert.deepEqual(kinds, ["template", "role", "rules", "goal", "reply", "correction"]);
});

test("debug shows for people what is new in each prompt, or all of it", async () => {
  const short = await atos.run("debug", "tests");
  assert.match(short.stdout, /tests\/turn-2 · tester · tester · \d/);
  assert.match(short.stdout, /prompt \d+ tokens: template \d+ · role \d+/);
  assert.match(short.stdout, /cache {2}0 of \d+ tokens were known already/);
  assert.match(short.stdout, /\[\d+ characters: the whole prompt of the turn before\]/);
  const full = await atos.run("debug", "tests", "--full");
  assert.ok(full.stdout.length > short.stdout.length);
});

test("debug names the tasks there are, and builds of other models tell their prompts too", async () => {
  const unknown = await atos.json("debug", "frontend");
  assert.deepEqual([unknown.code, unknown.lines[0]?.["code"]], [2, "cli/no-such-task"]);
  assert.match(String(unknown.lines[0]?.["message"]), /those it has are spec, plan, tests$/);
  const listed = await atos.json("debug");
  assert.deepEqual([listed.code, listed.lines[0]?.["tasks"]], [0, ["spec", "plan", "tests"]]);
  const noBuild = await atos.json("debug", "spec", "--build", "ghost");
  assert.deepEqual([noBuild.code, noBuild.lines[0]?.["code"]], [2, "cli/no-such-build"]);
  await using remote = await startTeamServer();
  assertGreen(await buildWith(atos, "remote", ["--model", `${remote.baseUrl}#m`]));
  const [turn] = await turnsOf("code");
  assert.equal(turn?.prompt.exact, false);
  assert.match(turn.prompt.text, /You are a developer/);
});

async function server() {
  const running = await startTeamServer((role) => good(role));
  after(() => running[Symbol.asyncDispose]());
  return { server: running.baseUrl };
}
