import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRequest } from "./check-request.ts";
import { type GenerateRequest, REQUEST_OPTIONS, type RequestOption } from "./model.ts";

const request: GenerateRequest = {
  messages: [{ role: "user", content: "x" }],
  maxTokens: 10,
  temperature: 0,
  seed: 1,
};
const everything: ReadonlySet<RequestOption> = new Set(REQUEST_OPTIONS);

const check = (changes: Partial<GenerateRequest>, options = everything) =>
  checkRequest({ ...request, ...changes }, options);

test("lets through what is within its limits", () => {
  check({});
  check({ temperature: 2, topK: 0, topP: 1, minP: 0, repeatPenalty: 1.1, presencePenalty: -2, frequencyPenalty: 2 });
  check({ stop: ["END"], thinking: "off", thinkingBudgetTokens: 0, seed: 0xffff_ffff });
  check({ shape: { kind: "gbnf", grammar: "root ::= [a-z]" } });
});

test("refuses numbers beyond their limits, and says both", () => {
  const wrong: readonly Partial<GenerateRequest>[] = [
    { messages: [] },
    { maxTokens: 0 },
    { maxTokens: 1.5 },
    { temperature: -1 },
    { temperature: Number.NaN },
    { seed: 2 ** 32 },
    { topK: -1 },
    { topP: 0 },
    { topP: 1.1 },
    { minP: -0.1 },
    { repeatPenalty: 0 },
    { presencePenalty: 3 },
    { frequencyPenalty: Number.POSITIVE_INFINITY },
    { thinkingBudgetTokens: 0.5 },
    { stop: [""] },
  ];
  for (const changes of wrong)
    assert.throws(() => check(changes), { code: "engine/bad-request", exitCode: 2 }, JSON.stringify(changes));
  assert.throws(() => check({ topP: 1.1 }), { message: /topP must be over 0 and at most 1, not 1.1/ });
});

test("refuses every option that the model does not have, and names those it has", () => {
  assert.throws(() => check({ topK: 5, minP: 0.1, seed: 2 }, new Set(["topP", "minP"])), {
    code: "engine/unsupported-option",
    exitCode: 2,
    message: /can't honour topK, it knows topP, minP/,
  });
  check({ topK: undefined }, new Set());
});

test("refuses a stop string in a reply whose shape is forced, and a schema that can't be forced", () => {
  const shape = { kind: "gbnf", grammar: "root ::= [a-z]" } as const;
  assert.throws(() => check({ shape, stop: ["a"] }), { code: "engine/bad-request" });
  assert.throws(() => check({ shape: { kind: "json-schema", schema: { type: "string" } } }), {
    code: "engine/unsupported-schema",
    exitCode: 2,
  });
});
