import assert from "node:assert/strict";
import { test } from "node:test";
import { onSilence } from "./on-silence.ts";

/** Ticks of a listening of one second, each a tenth of it. */
function listen(heard: () => number, { mock }: { readonly mock: typeof test.mock }) {
  mock.timers.enable({ apis: ["setInterval"] });
  let alarms = 0;
  const listening = onSilence({ limitMs: 1000, heard }, () => (alarms += 1));
  return { listening, tick: () => mock.timers.tick(100), alarms: () => alarms };
}

test("calls once when nothing was heard for the whole time", (t) => {
  const { tick, alarms } = listen(() => 5, t);
  for (let ticks = 0; ticks < 9; ticks++) tick();
  assert.equal(alarms(), 0);
  for (let ticks = 0; ticks < 30; ticks++) tick();
  assert.equal(alarms(), 1);
});

test("begins anew with all that is heard", (t) => {
  let heard = 0;
  const { tick, alarms } = listen(() => heard, t);
  for (let ticks = 0; ticks < 40; ticks++) {
    if (ticks % 9 === 0) heard += 1;
    tick();
  }
  assert.equal(alarms(), 0);
});

test("ends when it is disposed", (t) => {
  const { listening, tick, alarms } = listen(() => 0, t);
  listening[Symbol.dispose]();
  for (let ticks = 0; ticks < 30; ticks++) tick();
  assert.equal(alarms(), 0);
});
