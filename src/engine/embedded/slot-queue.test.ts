import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { SlotQueue } from "./slot-queue.ts";

const never = new AbortController().signal;
const first = ([slot]: readonly [string, ...string[]]): string => slot;

/** Takes a slot and notes when it got which. */
function taker(queue: SlotQueue<string>, log: string[]) {
  return async (name: string, signal = never) => {
    const lease = await queue.takeOne(first, signal);
    log.push(`${name}:${lease.slots.join("")}`);
    return lease;
  };
}

test("gives slots out in the order in which they are asked for", async () => {
  const log: string[] = [];
  const take = taker(new SlotQueue(["a", "b"]), log);
  const [one, two] = await Promise.all([take("1"), take("2")]);
  const [three, four] = [take("3"), take("4")];
  await turn();
  assert.deepEqual(log, ["1:a", "2:b"]);
  two[Symbol.dispose]();
  await three;
  one[Symbol.dispose]();
  await four;
  assert.deepEqual(log, ["1:a", "2:b", "3:b", "4:a"]);
});

test("lets the taker choose among the idle ones", async () => {
  const queue = new SlotQueue(["a", "b", "c"]);
  const lease = await queue.takeOne((idle) => idle[2] ?? idle[0], never);
  assert.deepEqual(lease.slots, ["c"]);
  assert.deepEqual((await queue.takeOne((idle) => idle[2] ?? idle[0], never)).slots, ["a"]);
});

test("lets nobody overtake one who waits for all", async () => {
  const log: string[] = [];
  const queue = new SlotQueue(["a", "b"]);
  const take = taker(queue, log);
  const one = await take("1");
  const all = queue.takeAll(never).then((lease) => {
    log.push(`all:${lease.slots.join("")}`);
    return lease;
  });
  const two = take("2");
  await turn();
  one[Symbol.dispose]();
  (await all)[Symbol.dispose]();
  await two;
  assert.deepEqual(log, ["1:a", "all:ab", "2:a"]);
});

test("lets go at once whoever aborts, and serves those behind", async () => {
  const log: string[] = [];
  const queue = new SlotQueue(["a", "b"]);
  const take = taker(queue, log);
  await take("1");
  const reason = new Error("no time");
  const leaving = new AbortController();
  const all = assert.rejects(queue.takeAll(leaving.signal), reason);
  const two = take("2");
  leaving.abort(reason);
  await all;
  await two;
  assert.deepEqual(log, ["1:a", "2:b"]);
  await assert.rejects(take("3", AbortSignal.abort(reason)), reason);
});

test("gives out other slots when they were replaced, and all of those to who waits for all", async () => {
  const queue = new SlotQueue(["a"]);
  const held = await queue.takeAll(never);
  const next = queue.takeAll(never);
  queue.replace(["b", "c", "d"]);
  held[Symbol.dispose]();
  const lease = await next;
  assert.deepEqual(lease.slots, ["b", "c", "d"]);
  const one = queue.takeOne(first, never);
  queue.replace(["e"]);
  lease[Symbol.dispose]();
  assert.deepEqual((await one).slots, ["e"]);
});
