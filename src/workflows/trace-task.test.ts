import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent } from "../base/events.ts";
import type { RecordedEvent } from "../journal/build-events.ts";
import type { Effect } from "../store/effects.ts";
import { traceTask } from "./trace-task.ts";

const at = new Date(0);
const usage = { promptTokens: 9, cachedTokens: 3, outputTokens: 2 };

function effect(name: string, result: unknown, more: Partial<Effect> = {}): Effect {
  const task = more.task ?? "code";
  const row = { id: `b/${name}`, buildId: "b", kind: "turn", name, task, inputHash: "", state: "done" } as const;
  return { ...row, attempts: 1, result, reservedAt: at, finishedAt: at, treeBefore: null, treeAfter: null, ...more };
}

function turn(text: string, sent?: { extends: number; text: string }) {
  const parts = [{ part: "goal", tokens: 9 }];
  return {
    text,
    finish: "stop",
    usage,
    ...(sent === undefined ? {} : { sent: { ...sent, tokens: 9, exact: true, parts } }),
  };
}

function finished(step: string): BuildEvent {
  return {
    type: "turn-finished",
    step,
    task: "code",
    role: "developer",
    model: "m",
    usage,
    durationMs: 7,
    finish: "stop",
  };
}

function recorded(...events: readonly BuildEvent[]): readonly RecordedEvent[] {
  return events.map((event, index) => ({ seq: index + 1, at, event }));
}

test("prompts are put together again, each conversation by itself, and rejections belong to their turn", () => {
  const effects = [
    effect("tasks/code/turn-1", turn("first", { extends: 0, text: "ask" })),
    effect("tasks/code/check-1", {}, { kind: "tests" }),
    effect("tasks/code/review-1/turn-1", turn("fine", { extends: 0, text: "judge" })),
    effect("tasks/code/turn-2", turn("second", { extends: 3, text: " again" }), { attempts: 2 }),
    effect("tasks/code/turn-3", turn("third", { extends: 2, text: "other" })),
    effect("tasks/other/turn-1", turn("no", { extends: 0, text: "no" }), { task: "other" }),
    effect("tasks/code/turn-4", null, { state: "reserved" }),
  ];
  const events = recorded(
    finished("tasks/code/turn-1"),
    { type: "reply-rejected", task: "code", role: "developer", why: "no file" },
    finished("tasks/code/turn-2"),
  );
  const turns = traceTask({ events, effects }, "code");
  assert.deepEqual(
    turns.map(({ step, prompt, rejected, attempts }) => [step, prompt?.text, prompt?.extendsWhole, rejected, attempts]),
    [
      ["tasks/code/turn-1", "ask", true, "no file", 1],
      ["tasks/code/review-1/turn-1", "judge", true, undefined, 1],
      ["tasks/code/turn-2", "ask again", true, undefined, 2],
      ["tasks/code/turn-3", "asother", false, undefined, 1],
    ],
  );
  assert.deepEqual([turns[0]?.model, turns[0]?.durationMs, turns[3]?.model], ["m", 7, ""]);
});

test("a turn that never fitted has no prompt, and says why", () => {
  const none = { text: "", finish: "no-room", usage, noRoom: "9000 tokens" };
  const events = recorded(finished("spec/turn-1"), {
    type: "reply-rejected",
    task: "spec",
    role: "developer",
    why: "9000 tokens",
  });
  const [traced] = traceTask({ events, effects: [effect("spec/turn-1", none, { task: "spec" })] }, "spec");
  assert.deepEqual([traced?.finish, traced?.prompt, traced?.rejected], ["no-room", undefined, "9000 tokens"]);
});
