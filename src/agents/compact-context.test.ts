import assert from "node:assert/strict";
import { test } from "node:test";
import { compactNext, summaryOf } from "./compact-context.ts";
import type { Context, ContextMessage, ContextPart } from "./context.ts";

const LONG = "abcdefghij".repeat(100);

function message(
  role: ContextMessage["role"],
  ...segments: readonly (readonly [ContextPart, string])[]
): ContextMessage {
  return { role, segments: segments.map(([part, text]) => ({ part, text })) };
}

/** Everything that was shortened, until nothing is left to shorten, as `message:part`. */
function orderOf(context: Context): readonly string[] {
  const order: string[] = [];
  let current = context;
  for (let next = compactNext(current); next !== undefined; next = compactNext(current)) {
    const changed = next.context.findIndex((one, index) => one !== current[index]);
    order.push(`${changed}:${next.shortened.part}`);
    current = next.context;
  }
  return order;
}

test("observations go first and oldest first, then old replies, then what came last, then the last reply; the rest never", () => {
  const context = [
    message("system", ["role", LONG], ["tools", LONG], ["rules", LONG]),
    message("user", ["goal", LONG], ["tests", LONG], ["recall", LONG]),
    message("assistant", ["reply", LONG]),
    message("user", ["observation", LONG], ["recall", LONG]),
    message("assistant", ["reply", LONG]),
    message("user", ["rules", LONG], ["observation", LONG], ["work", LONG], ["correction", LONG]),
  ];
  assert.deepEqual(orderOf(context), ["1:recall", "3:observation", "3:recall", "2:reply", "5:observation", "4:reply"]);
});

test("what is short stays whole, and what was shortened is not shortened again", () => {
  const once = summaryOf(LONG);
  assert.equal(summaryOf(once), once);
  assert.ok(once.length < 320 + 40 && once.startsWith(LONG.slice(0, 200)) && once.endsWith(LONG.slice(-100)));
  assert.match(once, /\[… 680 characters left out …\]/);
  for (let length = 300; length < 500; length++) {
    const text = "x".repeat(length);
    assert.ok(summaryOf(text).length <= length);
    assert.equal(summaryOf(summaryOf(text)), summaryOf(text));
  }
  assert.equal(
    compactNext([message("user", ["observation", "short"]), message("assistant", ["reply", once])]),
    undefined,
  );
});

test("no character is cut in half", () => {
  for (let shift = 0; shift < 4; shift++) {
    const text = summaryOf(`${"x".repeat(shift)}${"😀".repeat(400)}`);
    assert.ok(text.isWellFormed());
  }
});

test("the context it was given stays as it was", () => {
  const context = [
    message("user", ["observation", LONG]),
    message("assistant", ["reply", "ok"]),
    message("user", ["goal", "go"]),
  ];
  const before = structuredClone(context);
  assert.deepEqual(compactNext(context)?.shortened, { part: "observation", from: 1000, to: summaryOf(LONG).length });
  assert.deepEqual(context, before);
});
