import assert from "node:assert/strict";
import { test } from "node:test";
import { PriorityQueue } from "./priority-queue.ts";

test("the smallest comes first", () => {
  const queue = new PriorityQueue<number>((a, b) => a - b);
  for (const value of [5, 1, 4, 1, 3]) queue.push(value);
  assert.equal(queue.size, 5);
  assert.equal(queue.peek(), 1);
  assert.equal(queue.size, 5);
  assert.deepEqual([queue.pop(), queue.pop(), queue.pop(), queue.pop(), queue.pop()], [1, 1, 3, 4, 5]);
  assert.equal(queue.pop(), undefined);
  assert.equal(queue.peek(), undefined);
  assert.equal(queue.size, 0);
});

test("equal ones keep their order", () => {
  const queue = new PriorityQueue<{ rank: number; name: string }>((a, b) => a.rank - b.rank);
  const names = Array.from("abcdefghijklmnop");
  names.forEach((name, index) => queue.push({ rank: index % 3, name }));
  const out = names.map(() => queue.pop()?.name).join("");
  assert.equal(out, "adgjmp" + "behkn" + "cfilo");
});

test("mixed use", () => {
  const queue = new PriorityQueue<number>((a, b) => b - a);
  queue.push(1);
  queue.push(9);
  assert.equal(queue.pop(), 9);
  queue.push(5);
  queue.push(7);
  assert.equal(queue.pop(), 7);
  assert.equal(queue.pop(), 5);
  assert.equal(queue.pop(), 1);
});

test("many items", () => {
  const queue = new PriorityQueue<number>((a, b) => a - b);
  let seed = 7;
  for (let i = 0; i < 100_000; i++) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    queue.push(seed);
  }
  let last = -1;
  while (queue.size > 0) {
    const next = queue.pop() ?? -1;
    assert.ok(next >= last);
    last = next;
  }
});
