import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { prepareBuild } from "./prepare-build.ts";

const root = mkdtempSync(join(tmpdir(), "atos-outside-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** What a person reads who asks the built-in model for `goal`; its first line. */
async function refusal(goal: string): Promise<string> {
  const models = { model: undefined, roster: undefined, contextTokens: undefined, thinking: undefined };
  const places = { modelsDirectory: root, directory: root, home: root, env: {} };
  const building = prepareBuild({
    goal,
    out: join(root, "out"),
    stateRoot: join(root, "state"),
    choice: { ...models, ...places, apiKeyVariable: undefined, apiKeyFile: undefined },
    unsafe: false,
    seed: 0,
    createdAtMs: 0,
    effort: { fixRounds: { small: 2, large: 4 }, samples: 2 },
    limits: {},
    askPlan: false,
    planOnly: false,
    shape: "team",
    deterministic: false,
  });
  const error: unknown = await building.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error && "code" in error && error.code === "workflows/outside-domain", goal);
  return error.message.split("\n")[0] ?? "";
}

test("a goal is refused for its language where that is why, and the languages that are possible are told", async () => {
  const end = " It is atos-nano, a tiny model for a closed domain:";
  const only = `, and the built-in model writes Python or TypeScript only.${end}`;
  const cases = [
    ["Write a Go function is_prime that checks whether a number is prime", `this goal asks for Go${only}`],
    ["is_prime in golang", `this goal asks for Go${only}`],
    ["A JavaScript function that reverses a string", `this goal asks for JavaScript${only}`],
    ["Reverse a string in js and in Go", `this goal asks for JavaScript and Go${only}`],
    [
      "Write a function that adds two numbers in Python and in TypeScript",
      `this goal asks for Python and TypeScript, and a build of the built-in model has one language: Python or TypeScript.${end}`,
    ],
    ["Go through every node of a tree in Python", `this goal is outside what the built-in model can do.${end}`],
    ["Let visitors go to a web page", `this goal is outside what the built-in model can do.${end}`],
  ] as const;
  for (const [goal, why] of cases) assert.equal(await refusal(goal), why);
});
