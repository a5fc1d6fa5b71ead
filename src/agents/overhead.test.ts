import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { toolDefinition } from "../engine/dialects/tool-definition.ts";
import { TOOL_FORMATS } from "../engine/dialects/tool-format.ts";
import { promptTokenBound, textTokenBound } from "../engine/server/token-bound.ts";
import { messagesOf } from "./context.ts";
import { loadPromptSet, ROLES } from "./prompt-set.ts";
import { openAgent, systemOf } from "./run-agent.ts";

const ROOT = new URL("../../", import.meta.url);
const toolFile = z.object({ tools: z.array(toolDefinition) });
const { tools } = toolFile.parse(JSON.parse(readFileSync(new URL("test/corpus/tools.json", ROOT), "utf8")));

/*
 * Stand-in for Qwen2.5's tokenizer: ATOS's own bound, which is never below it (`bench/overhead.js` prints both,
 * about two to one). So the true figures are well inside these limits.
 */
test("role, twelve tools and the words of the first request stay within 1,200 tokens for the developer and 2,000 for any role", async () => {
  const prompts = await loadPromptSet(fileURLToPath(new URL("roles", ROOT)));
  for (const role of ROLES) {
    const { system = "", user } = prompts[role];
    for (const format of TOOL_FORMATS) {
      const agent = { role: system, tools, format, options: { maxTokens: 1, temperature: 0, seed: 0 } };
      const bound = promptTokenBound(messagesOf(openAgent(systemOf(agent), []))) + textTokenBound(user);
      const limit = role === "developer" ? 1200 : 2000;
      assert.ok(bound <= limit, `${role} with ${format}: up to ${bound} tokens`);
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
