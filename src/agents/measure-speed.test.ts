import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeModel } from "../../test/fixtures/fake-model.ts";
import { measureSpeed } from "./measure-speed.ts";

const { signal } = new AbortController();

test("a reply is timed from the question to its first part, and from there to its end", async () => {
  let now = 1000;
  const nowMs = (): number => (now += 100);
  const speed = await measureSpeed(
    { model: fakeModel(["eleven left"]), nowMs },
    { promptWords: 2, outputTokens: 20 },
    signal,
  );
  const { promptTokens } = speed;
  assert.deepEqual(speed, {
    promptTokens,
    cachedTokens: 0,
    outputTokens: 11,
    firstTokenMs: 100,
    promptTokensPerSecond: promptTokens * 10,
    outputTokensPerSecond: 100,
  });
});

test("no prompt begins like one before it, so that a server's cache can't make it look quick", async () => {
  const model = fakeModel(() => "ok");
  let now = 0;
  const nowMs = (): number => (now += 7);
  for (const promptWords of [10, 100]) await measureSpeed({ model, nowMs }, { promptWords, outputTokens: 1 }, signal);
  const [first = "", second = ""] = model.requests.map(({ messages }) => messages[0]?.content ?? "");
  assert.ok(first !== "" && !second.startsWith(first.slice(0, 8)), `${first.slice(0, 20)} / ${second.slice(0, 20)}`);
});
