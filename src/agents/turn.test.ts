import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeModel } from "../../test/fixtures/fake-model.ts";
import { append, type Context, heard } from "./context.ts";
import { afterTurn, openTurns, takeTurn } from "./turn.ts";

const { signal } = new AbortController();
const options = { maxTokens: 50, temperature: 0, seed: 1 };

const QUESTION: Context = [
  { role: "system", segments: [{ part: "role", text: "be good" }] },
  {
    role: "user",
    segments: [
      { part: "rules", text: "do: " },
      { part: "goal", text: "it" },
      { part: "rules", text: "!" },
    ],
  },
];

test("a turn tells the prompt as it was sent, and its tokens by part", async () => {
  const turn = await takeTurn({ model: fakeModel(["done"]) }, { state: openTurns(QUESTION), options }, signal);
  const text = "<system>be good</><user>do: it!</><assistant>";
  assert.deepEqual(turn, {
    text: "done",
    finish: "stop",
    usage: { promptTokens: text.length, cachedTokens: 0, outputTokens: 4 },
    sent: {
      extends: 0,
      text,
      tokens: text.length,
      exact: true,
      parts: [
        { part: "template", tokens: text.length - 14 },
        { part: "role", tokens: 7 },
        { part: "rules", tokens: 5 },
        { part: "goal", tokens: 2 },
      ],
    },
  });
});

test("the next turn's prompt is told as what it adds", async () => {
  const model = fakeModel(["done", "again"]);
  let state = openTurns(QUESTION);
  const first = await takeTurn({ model }, { state, options }, signal);
  state = afterTurn(state, first);
  const context = append(heard(state.context, "done"), {
    role: "user",
    segments: [{ part: "observation", text: "red" }],
  });
  const second = await takeTurn({ model }, { state: { ...state, context }, options }, signal);
  assert.equal(second.sent?.extends, first.sent?.text.length);
  assert.equal(second.sent?.text, "done</><user>red</><assistant>");
  assert.equal(afterTurn({ ...state, context }, second).sent, (first.sent?.text ?? "") + (second.sent?.text ?? ""));
});

test("a prompt that leaves too little room is shortened, which the turn tells, and the next one goes on from there", async () => {
  const long: Context = [
    ...QUESTION,
    { role: "assistant", segments: [{ part: "reply", text: "look" }] },
    { role: "user", segments: [{ part: "observation", text: "o".repeat(900) }] },
    { role: "assistant", segments: [{ part: "reply", text: "look again" }] },
    { role: "user", segments: [{ part: "observation", text: "last" }] },
  ];
  const turn = await takeTurn({ model: fakeModel(["ok"], 1000) }, { state: openTurns(long), options }, signal);
  assert.deepEqual(turn.compacted?.shortened, [{ part: "observation", from: 900, to: 351 }]);
  assert.deepEqual(afterTurn(openTurns(long), turn).context, turn.compacted?.context);
  assert.deepEqual(turn.compacted?.context.with(3, long[3] ?? assert.fail()), long);
});

test("a reply's limit never reaches beyond the context", async () => {
  const model = fakeModel(["ok"], 60);
  await takeTurn({ model }, { state: openTurns(QUESTION), options }, signal);
  assert.equal(model.requests[0]?.maxTokens, 60 - "<system>be good</><user>do: it!</><assistant>".length);
});

test("a server that fails to count is found out before it is asked for a reply, and told when the person gives up", async () => {
  const model = fakeModel(["a long and costly reply"]);
  const told: (AbortSignal | undefined)[] = [];
  const broken = {
    ...model,
    countText: async (_: string, stop?: AbortSignal): Promise<number> => {
      told.push(stop);
      throw new Error("the server is gone");
    },
  };
  await assert.rejects(takeTurn({ model: broken }, { state: openTurns(QUESTION), options }, signal), /gone/);
  assert.deepEqual(told, [signal]);
  assert.equal(model.requests.length, 0);
});
