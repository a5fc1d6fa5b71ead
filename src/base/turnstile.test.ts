import assert from "node:assert/strict";
import test from "node:test";
import { Turnstile } from "./turnstile.ts";

const NEVER = new AbortController().signal;

test("lets so many through at once, in the order they came", async () => {
  const turnstile = new Turnstile(2);
  const order: string[] = [];
  let inside = 0;
  let most = 0;
  const visit = async (name: string): Promise<void> => {
    using _place = await turnstile.take(NEVER);
    order.push(name);
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
  };
  await Promise.all(["a", "b", "c", "d", "e"].map(visit));
  assert.deepEqual([order, most], [["a", "b", "c", "d", "e"], 2]);
});

test("who gives up waiting takes nobody's place, whenever that is", async () => {
  const turnstile = new Turnstile(1);
  const first = await turnstile.take(NEVER);
  const impatient = new AbortController();
  const waiting = turnstile.take(impatient.signal);
  const last = turnstile.take(NEVER);
  impatient.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  (await last)[Symbol.dispose]();
  const late = new AbortController();
  const holder = await turnstile.take(NEVER);
  const unlucky = turnstile.take(late.signal);
  holder[Symbol.dispose]();
  late.abort(new Error("too late"));
  await unlucky.then(
    (place) => place[Symbol.dispose](),
    () => {},
  );
  (await turnstile.take(NEVER))[Symbol.dispose]();
});
