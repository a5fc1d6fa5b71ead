import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { asking, loadFixture, readReply } from "../../../test/fixtures/embedded.ts";
import { writeScriptedGguf } from "../../../test/fixtures/make-gguf.ts";
import type { GenerateRequest, ModelPart } from "../model.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-marks-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const MESSAGES =
  "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}" +
  "<|im_start|>assistant\n";

const marks = [
  { text: "[TOOL_CALLS]", kind: "control" },
  { text: "<tool_call>", kind: "user-defined" },
  { text: "</tool_call>", kind: "user-defined" },
  { text: "    ", kind: "user-defined" },
] as const;

describe("a vocabulary with marks", async () => {
  const script = "I call [TOOL_CALLS] and <tool_call>{}</tool_call>.";
  const path = join(directory, "marks.gguf");
  writeScriptedGguf(path, { script, marks, template: `${MESSAGES}{# <tool_call></tool_call> #}` });
  const model = await loadFixture(path);
  after(() => model[Symbol.asyncDispose]());

  test("shows the marks that the model writes", async () => {
    assert.equal((await readReply(model, asking("x"))).text, script);
  });

  test("lets no mark into the model by what somebody wrote", async () => {
    for (const text of ["<tool_call>", "a<tool_call>b</tool_call>", "[TOOL_CALLS]", "<|im_end|>", "<<tool_call>>"])
      assert.equal(await model.countText(text), text.length, text);
  });

  test("keeps tokens that are ordinary text", async () => {
    assert.equal(await model.countText("a    b"), 3);
  });

  test("reads an earlier reply as the model wrote it, but for control tokens", async () => {
    const count = async (content: string) => {
      const earlier = { role: "assistant", content } as const;
      return (await model.render({ messages: [{ role: "user", content: "x" }, earlier] })).tokens;
    };
    assert.equal((await count("<tool_call>{}</tool_call>")) - (await count("")), 4);
    assert.equal((await count("[TOOL_CALLS]")) - (await count("")), "[TOOL_CALLS]".length);
  });
});

test("renders the token that begins every prompt, once", async () => {
  const path = join(directory, "begins.gguf");
  writeScriptedGguf(path, { script: "x", addsBos: true });
  await using added = await loadFixture(path);
  const rendered = await added.render(asking("a"));
  assert.equal(rendered.text, "<|endoftext|><|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n");
  assert.equal((await readReply(added, asking("a"))).end.usage.promptTokens, rendered.tokens);
  writeScriptedGguf(path, { script: "x", addsBos: true, template: `{{ bos_token }}${MESSAGES}{{ '' }}` });
  await using written = await loadFixture(path);
  assert.deepEqual(await written.render(asking("a")), rendered);
});

describe("a template that lets the model think", async () => {
  const path = join(directory, "thinks.gguf");
  const thinking = "{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}";
  writeScriptedGguf(path, { script: "one two three four", template: MESSAGES + thinking });
  const model = await loadFixture(path);
  after(() => model[Symbol.asyncDispose]());

  const say = async (changes: Partial<GenerateRequest>) => readReply(model, asking("x", changes));
  /** Three tokens of the script, and one for each byte that the engine writes. */
  const end = (outputTokens: number, finish: "stop" | "length" = "stop"): ModelPart => ({
    kind: "end",
    finish,
    usage: { promptTokens: 28, cachedTokens: 0, outputTokens },
  });

  test("is told whether to", async () => {
    assert.deepEqual([...model.capabilities.options].slice(-2), ["thinkingBudgetTokens", "thinking"]);
    const rendered = async (thinks?: "on" | "off") => (await model.render(asking("x", { thinking: thinks }))).text;
    const open = "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n<think>\n";
    assert.equal(await rendered(), open);
    assert.equal(await rendered("on"), open);
    assert.equal(await rendered("off"), open.slice(0, -"<think>\n".length));
  });

  test("thinks as long as it likes without a budget", async () => {
    const { text, end: last } = await say({});
    assert.deepEqual([text, last], ["one two three four", end(3)]);
  });

  test("answers after its budget, and what closes the block counts", async () => {
    const { text, end: last } = await say({ thinkingBudgetTokens: 2 });
    assert.deepEqual([text, last], ["one two thre\n</think>\n\none two three four", end(2 + 11 + 3)]);
    assert.equal((await say({ thinkingBudgetTokens: 0 })).text, "</think>\n\none two three four");
    assert.equal((await say({ thinkingBudgetTokens: 4 })).text, "one two three four");
  });

  test("is cut at its length also while the block is closed", async () => {
    const { text, end: last } = await say({ thinkingBudgetTokens: 2, maxTokens: 5 });
    assert.deepEqual([text, last], ["one two thre\n</", end(5, "length")]);
  });

  test("is stopped by what it writes, and not by what closes its block", async () => {
    const stopped = async (stop: string) => (await say({ thinkingBudgetTokens: 2, stop: [stop] })).text;
    for (const closing of ["\n\n", "</think>", "e\n<"])
      assert.equal(await stopped(closing), "one two thre\n</think>\n\none two three four", closing);
    // Of the reasoning, of the answer over two tokens, and of neither alone.
    assert.equal(await stopped("wo t"), "one t");
    assert.equal(await stopped("ee f"), "one two thre\n</think>\n\none two thr");
    assert.equal(await stopped("\none"), "one two thre\n</think>\n\none two three four");
  });

  test("spends no budget when it does not think", async () => {
    assert.equal((await say({ thinkingBudgetTokens: 1, thinking: "off" })).text, "one two three four");
  });

  test("gives its answer the shape asked for, and its reasoning none", async () => {
    const shape = { kind: "gbnf", grammar: `root ::= "yes" | "no"` } as const;
    const { text } = await say({ thinkingBudgetTokens: 2, shape });
    assert.match(text, /^one two thre\n<\/think>\n\n(yes|no)$/);
    assert.match((await say({ thinking: "off", shape })).text, /^(yes|no)$/);
  });
});

test("takes over where the model itself ends its reasoning before a shaped answer", async () => {
  const path = join(directory, "closes.gguf");
  const script = `hm</think>{"a": 1}`;
  writeScriptedGguf(path, { script, template: `${MESSAGES}<think>\n`, marks: [{ text: "</think>", kind: "control" }] });
  await using model = await loadFixture(path);
  const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };
  const { text } = await readReply(
    model,
    asking("x", { shape: { kind: "json-schema", schema }, thinkingBudgetTokens: 9 }),
  );
  assert.equal(text, script);
});
