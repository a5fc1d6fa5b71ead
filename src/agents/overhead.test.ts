import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { toolDefinition } from "../engine/dialects/tool-definition.ts";
import { TOOL_FORMATS } from "../engine/dialects/tool-format.ts";
import { promptTokenBound, textTokenBound } from "../engine/server/token-bound.ts";
import { messagesOf } from "./context.ts";
import { fill, VALUE_NAMES } from "./fill.ts";
import { loadTeam } from "./load-team.ts";
import { SEATS } from "./role.ts";
import { openAgent, systemOf } from "./run-agent.ts";
import { roleFor } from "./team.ts";

const ROOT = new URL("../../", import.meta.url);
const toolFile = z.object({ tools: z.array(toolDefinition) });
const { tools } = toolFile.parse(JSON.parse(readFileSync(new URL("test/corpus/tools.json", ROOT), "utf8")));

const VALUE = "x";
const ALL_VALUES = Object.fromEntries(VALUE_NAMES.map((name) => [name, VALUE]));

/*
 * Stand-in for Qwen2.5's tokenizer: ATOS's own bound, which is never below it (`bench/overhead.js` prints both,
 * about two to one). So the true figures are well inside these limits.
 */
test("role, twelve tools and the words of the first request stay within 1,200 tokens for the developer and 2,000 for any role", async () => {
  const own = fileURLToPath(new URL("roles", ROOT));
  const { team } = await loadTeam({ directory: own, overrides: [], own });
  for (const seat of SEATS) {
    const { system = "", user } = roleFor(team, seat, "complex");
    // With every block shown: a place without its value, and no value counted.
    const words = fill(user, ALL_VALUES)
      .filter(({ part, text }) => part === "rules" && text !== VALUE)
      .map(({ text }) => text)
      .join("");
    for (const format of TOOL_FORMATS) {
      const agent = { role: system, tools, format, options: { maxTokens: 1, temperature: 0, seed: 0 } };
      const bound = promptTokenBound(messagesOf(openAgent(systemOf(agent), []))) + textTokenBound(words);
      const limit = seat === "developer" ? 1200 : 2000;
      assert.ok(bound <= limit, `${seat} with ${format}: up to ${bound} tokens`);
    }
  }
});

test("each tool takes at most 60 tokens of a prompt", () => {
  const agent = (one: typeof tools) => ({ role: "", tools: one, format: "llama3" as const, options: OPTIONS });
  for (const tool of tools) {
    const [message] = openAgent(systemOf(agent([tool])), []);
    const text = message?.segments.find(({ part }) => part === "tools")?.text ?? "";
    const bound = textTokenBound(text.split("\n").at(-1) ?? "");
    assert.ok(bound <= 2 * 60, `${tool.name}: up to ${bound} tokens`);
  }
});

const OPTIONS = { maxTokens: 1, temperature: 0, seed: 0 };
