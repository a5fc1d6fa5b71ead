import assert from "node:assert/strict";
import { test } from "node:test";
import { type Context, messagesOf } from "./context.ts";
import { fitContext } from "./fit-context.ts";

/** A token a character, so that the arithmetic can be seen. */
const count = async (context: Context): Promise<number> =>
  messagesOf(context).reduce((sum, { content }) => sum + content.length, 0);

function talk(observations: number): Context {
  const rounds = Array.from(
    { length: observations },
    (_, index): Context => [
      { role: "assistant", segments: [{ part: "reply", text: `call ${index}` }] },
      { role: "user", segments: [{ part: "observation", text: String(index).repeat(1000) }] },
    ],
  );
  return [{ role: "user", segments: [{ part: "goal", text: "g".repeat(100) }] }, ...rounds.flat()];
}

test("a context that fits is given back as it is", async () => {
  const context = talk(3);
  assert.deepEqual(await fitContext(context, 4000, count), {
    context,
    tokens: 3118,
    shortened: [],
    tokensBefore: 3118,
  });
});

test("one that does not is shortened until a quarter of the room is free, and no further", async () => {
  const context = talk(5);
  const fitted = await fitContext(context, 5000, count);
  assert.equal(fitted.tokensBefore, 5130);
  assert.equal(fitted.shortened.length, 3);
  assert.ok(fitted.tokens <= 3750);
  assert.deepEqual(fitted.context.slice(7), context.slice(7));
  assert.equal(await count(fitted.context), fitted.tokens);
});

test("one that can't be made to fit says how large it still is", async () => {
  const context: Context = [{ role: "user", segments: [{ part: "tests", text: "t".repeat(500) }] }];
  assert.deepEqual(await fitContext(context, 400, count), { context, tokens: 500, shortened: [], tokensBefore: 500 });
});
