import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { fill, loadPromptSet, readRolePrompt } from "./prompt-set.ts";

const PACKAGE = new URL("../../", import.meta.url);

test("the prompt sets that ATOS ships can be loaded, and ask only for what they are given", async () => {
  const given = {
    "product-manager": ["goal"],
    "tech-lead": ["spec"],
    tester: ["spec", "plan"],
    developer: ["task", "spec", "tests"],
    reviewer: ["spec", "files", "results"],
  } as const;
  for (const directory of ["roles", "models/nano/prompts"]) {
    const set = await loadPromptSet(fileURLToPath(new URL(directory, PACKAGE)));
    for (const [role, names] of Object.entries(given)) {
      const prompt = Object.values(set).find((candidate) => candidate.role === role);
      assert.ok(prompt);
      fill(prompt.user, Object.fromEntries(names.map((name) => [name, "x"])));
      if (prompt.failure !== undefined) fill(prompt.failure, { failure: "x" });
      if (prompt.rejected !== undefined) fill(prompt.rejected, { why: "x" });
    }
  }
});

test("a value that looks like a place stays as it is", () => {
  assert.deepEqual(fill("{{goal}}!", { goal: "{{spec}}", spec: "no" }), [
    { part: "goal", text: "{{spec}}" },
    { part: "rules", text: "!" },
  ]);
});

test("a place without a value is an error that names it", () => {
  assert.throws(() => fill("{{gaol}}", { goal: "x" }), /\{\{gaol\}\}.*goal/);
});

test("a prompt file without front matter, with an unknown key or without a user section is refused by name", () => {
  const good = "---\nrole: tester\nmax_tokens: 100\n---\n# user\nhello\n";
  assert.equal(readRolePrompt(good, "t.md", "tester").user, "hello");
  for (const bad of [
    "hello",
    good.replace("max_tokens", "max_token"),
    good.replace("# user", "# usr"),
    good.replace("100", "1e9"),
    good.replace("tester", "developer"),
  ]) {
    assert.throws(() => readRolePrompt(bad, "t.md", "tester"), /t\.md/, bad);
  }
});
