import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { asking, loadFixture, readReply } from "../../../test/fixtures/embedded.ts";
import { writeRandomGguf, writeScriptedGguf } from "../../../test/fixtures/make-gguf.ts";
import type { EmbeddedModel } from "./embedded-model.ts";
import { readJsonSchema } from "../json-schema-check.ts";
import type { GenerateRequest, ReplyShape } from "../model.ts";
import { schemaMismatch } from "../schema-mismatch.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-sampling-"));
after(() => rmSync(directory, { recursive: true, force: true }));

describe("a model with random weights", () => {
  let model: EmbeddedModel;
  before(async () => {
    writeRandomGguf(join(directory, "random.gguf"));
    model = await loadFixture(join(directory, "random.gguf"));
  });
  after(() => model[Symbol.asyncDispose]());

  const say = async (changes: Partial<GenerateRequest>) =>
    (await readReply(model, asking("hi", { maxTokens: 60, ...changes }))).text;

  test("lists what it honours, and refuses the rest", async () => {
    assert.deepEqual(model.capabilities, {
      options: new Set([
        "stop",
        "topK",
        "topP",
        "minP",
        "repeatPenalty",
        "presencePenalty",
        "frequencyPenalty",
        "shape",
      ]),
      slots: 1,
    });
    for (const changes of [{ thinking: "on" }, { thinkingBudgetTokens: 5 }] as const)
      await assert.rejects(say(changes), { code: "engine/unsupported-option" });
  });

  test("is greedy when only one token is left to draw from", async () => {
    const greedy = await say({});
    for (const cut of [{ topK: 1 }, { topP: 0.001 }, { minP: 1 }])
      assert.equal(await say({ temperature: 1, ...cut }), greedy);
    assert.notEqual(await say({ temperature: 1 }), greedy);
  });

  test("draws by default from the 40 likeliest tokens that make up 95 %", async () => {
    const drawn = await say({ temperature: 2 });
    assert.equal(await say({ temperature: 2, topK: 40, topP: 0.95, minP: 0 }), drawn);
    assert.notEqual(await say({ temperature: 2, topK: 0, topP: 1 }), drawn);
  });

  test("repeats itself less with each penalty, and has none by default", async () => {
    const repeats = (text: string) => text.length - new Set(text).size;
    const plain = await say({});
    assert.equal(await say({ repeatPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 }), plain);
    for (const penalty of [{ repeatPenalty: 1.8 }, { presencePenalty: 2 }, { frequencyPenalty: 2 }]) {
      const text = await say(penalty);
      assert.ok(repeats(text) < repeats(plain), `${JSON.stringify(penalty)}: ${text}`);
    }
    assert.ok(repeats(await say({ presencePenalty: -2 })) > repeats(plain));
  });

  test("writes JSON of the schema it was given", async () => {
    const schema = {
      type: "object",
      properties: {
        name: { type: "string", minLength: 2, maxLength: 12 },
        size: { type: "integer" },
        part: { type: "number" },
        tags: { type: "array", items: { enum: ['a\n"b\\', "é😀"] }, minItems: 1, maxItems: 3 },
        more: { anyOf: [{ type: "null" }, { type: "object", properties: { is: { type: "boolean" } } }] },
      },
      required: ["name", "tags"],
    };
    const bounded = readJsonSchema(schema);
    for (let seed = 1; seed <= 20; seed++) {
      const shape = { kind: "json-schema", schema } as const;
      const { text, end } = await readReply(model, asking("hi", { shape, seed, temperature: 1.5, topK: 0 }));
      assert.equal(schemaMismatch(text, bounded), undefined, text);
      assert.equal(end.finish, "stop");
    }
  });

  test("writes arrays in arrays, each within its bounds", async () => {
    const row = { type: "array", minItems: 2, maxItems: 3, items: { type: "boolean" } };
    const schema = { type: "array", minItems: 1, maxItems: 10_000, items: { type: "array", maxItems: 2, items: row } };
    const bounded = readJsonSchema(schema);
    for (let seed = 1; seed <= 12; seed++) {
      const shape = { kind: "json-schema", schema } as const;
      const { text } = await readReply(model, asking("hi", { shape, seed, temperature: 1.5, topK: 0, topP: 1 }));
      assert.equal(schemaMismatch(text, bounded), undefined, text);
    }
  });

  test("keeps to lengths beyond what a grammar repeats at once", async () => {
    const schema = { type: "string", minLength: 1100, maxLength: 1200 };
    const { text } = await readReply(
      model,
      asking("hi", { shape: { kind: "json-schema", schema }, temperature: 1, maxTokens: 1500 }),
    );
    assert.equal(schemaMismatch(text, readJsonSchema(schema)), undefined);
  });

  test("writes what a grammar allows", async () => {
    const shape = { kind: "gbnf", grammar: `root ::= "call " [a-c]{3} "."` } as const;
    assert.match(await say({ shape, temperature: 1 }), /^call [a-c]{3}\.$/);
  });

  test("ends a shaped reply that was cut as an error, after what it had said", async () => {
    const shape: ReplyShape = { kind: "json-schema", schema: { type: "string", minLength: 50, maxLength: 60 } };
    let text = "";
    const reading = async () => {
      for await (const part of model.generate(asking("hi", { shape, maxTokens: 9 }), AbortSignal.timeout(60_000)))
        if (part.kind === "text") text += part.text;
    };
    await assert.rejects(reading(), { code: "engine/reply-out-of-shape", message: /cut after 9 tokens/ });
    assert.match(text, /^".{8}$/s);
    assert.equal((await say({})).length, 60);
  });

  test("refuses a grammar that can't be read", async () => {
    for (const grammar of ["root ::= (", "start ::= [a]", "root ::= missing"])
      await assert.rejects(say({ shape: { kind: "gbnf", grammar } }), { code: "engine/bad-grammar", exitCode: 2 });
  });

  test("gives the same text for the same request, penalties and shape included", async () => {
    const shape = { kind: "gbnf", grammar: "root ::= [a-z ]{30}" } as const;
    for (const changes of [{ repeatPenalty: 1.3 }, { shape }, { minP: 0.02, topK: 100 }]) {
      const request = { temperature: 1, seed: 5, ...changes };
      assert.equal(await say(request), await say(request));
    }
  });
});

test("fills its context to the last token with prompt lookup too", async () => {
  const path = join(directory, "loop.gguf");
  writeScriptedGguf(path, { script: "tick tock ", loop: true });
  await using model = await loadFixture(path, { promptLookup: true, contextTokens: 200 });
  for (const content of ["x", "tick tock ".repeat(9), "y".repeat(199 - 19)]) {
    const { finish, usage } = (await readReply(model, asking(content))).end;
    assert.deepEqual([finish, usage.promptTokens + usage.outputTokens], ["length", 200]);
  }
});

test("copies as it would without prompt lookup, sampled too", async () => {
  const lines = Array.from({ length: 40 }, (_, line) => `line ${line};\n`);
  const marks = lines.map((text) => ({ text, kind: "user-defined" as const }));
  const script = lines.join("");
  writeScriptedGguf(join(directory, "copy.gguf"), { script, marks });
  await using model = await loadFixture(join(directory, "copy.gguf"), { promptLookup: true });
  const usage = { promptTokens: 59, cachedTokens: 0, outputTokens: 40 };
  const first = await readReply(model, asking(script));
  assert.deepEqual([first.text, first.end], [script, { kind: "end", finish: "stop", usage }]);
  const again = await readReply(model, asking(script, { maxTokens: 7, repeatPenalty: 1.01 }));
  assert.deepEqual([again.text, again.end.usage.cachedTokens], [lines.slice(0, 7).join(""), 58]);
  writeRandomGguf(join(directory, "random.gguf"));
  await using plain = await loadFixture(join(directory, "random.gguf"), { deterministic: false });
  await using guessing = await loadFixture(join(directory, "random.gguf"), { promptLookup: true });
  const request = asking("hi", { maxTokens: 200 });
  assert.equal((await readReply(guessing, request)).text, (await readReply(plain, request)).text);
  const drawn = asking("hi", { maxTokens: 100, temperature: 1, stop: ["q"] });
  assert.equal((await readReply(guessing, drawn)).end.usage.cachedTokens > 0, true);
});
