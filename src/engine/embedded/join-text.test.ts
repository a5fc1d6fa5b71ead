import assert from "node:assert/strict";
import { test } from "node:test";
import { joinText } from "./join-text.ts";
import type { ModelPart } from "../model.ts";

const END: ModelPart = {
  kind: "end",
  finish: "stop",
  usage: { promptTokens: 1, cachedTokens: 0, outputTokens: 4 },
};

/** Joins parts that come `everyMs` apart, and says how many were given on until each came out. */
async function joined(everyMs: number, parts: readonly ModelPart[]): Promise<readonly ModelPart[]> {
  let now = 0;
  async function* slowly(): AsyncGenerator<ModelPart> {
    for (const part of parts) {
      now += everyMs;
      yield part;
    }
  }
  return Array.fromAsync(joinText(slowly(), () => now));
}

const TEXTS: readonly ModelPart[] = ["a", "b", "c", "d"].map((text) => ({ kind: "text", text }));

test("a slow model's reply comes token by token, a quick one's in fewer parts, and the text is the same", async () => {
  assert.deepEqual(await joined(10, [...TEXTS, END]), [...TEXTS, END]);
  assert.deepEqual(await joined(4, [...TEXTS, END]), [{ kind: "text", text: "a" }, { kind: "text", text: "bcd" }, END]);
  assert.deepEqual(await joined(1, TEXTS), [
    { kind: "text", text: "a" },
    { kind: "text", text: "bcd" },
  ]);
});

test("what is held is given out before anything else, and when the reply ends without an end", async () => {
  const reasoning: ModelPart = { kind: "reasoning", text: "hm" };
  const [a, b] = TEXTS;
  assert.ok(a !== undefined && b !== undefined);
  assert.deepEqual(await joined(1, [a, b, reasoning, END]), [a, b, reasoning, END]);
});

test("a failure comes after what was said before it", async () => {
  async function* failing(): AsyncGenerator<ModelPart> {
    yield { kind: "text", text: "a" };
    yield { kind: "text", text: "b" };
    throw new Error("cut");
  }
  const said: ModelPart[] = [];
  await assert.rejects(async () => {
    for await (const part of joinText(failing(), () => 0)) said.push(part);
  }, /cut/);
  assert.deepEqual(said, [
    { kind: "text", text: "a" },
    { kind: "text", text: "b" },
  ]);
});
