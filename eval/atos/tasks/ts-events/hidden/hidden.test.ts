import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter } from "./events.ts";

test("listeners are called in order with the values", () => {
  const emitter = new Emitter();
  const seen: unknown[] = [];
  emitter.on("a", (...values: unknown[]) => seen.push(["first", ...values]));
  emitter.on("a", (...values: unknown[]) => seen.push(["second", ...values]));
  assert.equal(emitter.emit("a", 1, "x"), 2);
  assert.equal(emitter.emit("b"), 0);
  assert.deepEqual(seen, [["first", 1, "x"], ["second", 1, "x"]]);
});

test("once, and the function that removes", () => {
  const emitter = new Emitter();
  let count = 0;
  emitter.once("a", () => void count++);
  const remove = emitter.on("a", () => void (count += 10));
  emitter.emit("a");
  assert.equal(emitter.emit("a"), 1);
  remove();
  assert.equal(emitter.emit("a"), 0);
  assert.equal(count, 21);
  const forget = emitter.once("b", () => void (count = 0));
  forget();
  assert.equal(emitter.emit("b"), 0);
});

test("off removes the one added last", () => {
  const emitter = new Emitter();
  const seen: string[] = [];
  const twice = (): void => void seen.push("twice");
  emitter.on("a", twice);
  emitter.on("a", () => void seen.push("middle"));
  emitter.on("a", twice);
  emitter.off("a", twice);
  emitter.off("a", () => {});
  emitter.emit("a");
  assert.deepEqual(seen, ["twice", "middle"]);
});

test("changes while an event is emitted count from the next one on", () => {
  const emitter = new Emitter();
  const seen: string[] = [];
  const late = (): void => void seen.push("late");
  const gone = (): void => void seen.push("gone");
  emitter.on("a", () => {
    emitter.on("a", late);
    emitter.off("a", gone);
  });
  emitter.on("a", gone);
  assert.equal(emitter.emit("a"), 2);
  assert.deepEqual(seen, ["gone"]);
  emitter.emit("a");
  assert.deepEqual(seen, ["gone", "late"]);
});

test("an error is thrown when all were called", () => {
  const emitter = new Emitter();
  let called = false;
  emitter.on("a", () => {
    throw new Error("first");
  });
  emitter.on("a", () => {
    called = true;
    throw new Error("second");
  });
  assert.throws(() => emitter.emit("a"), /first/);
  assert.equal(called, true);
});
