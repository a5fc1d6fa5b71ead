import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent } from "../base/events.ts";
import { renderEvent } from "./render-event.ts";

const LINES: readonly (readonly [BuildEvent, string])[] = [
  [
    { type: "turn-waiting", task: "code", role: "developer", model: "coder", why: "small is in the middle of a turn" },
    "code           developer waits for coder: small is in the middle of a turn",
  ],
  [
    { type: "model-loading", model: "coder", evict: ["small"], why: "3 works wait for it" },
    "               coder loading: 3 works wait for it; takes the place of small",
  ],
  [
    { type: "model-loading", model: "coder", evict: ["small"], why: "3 works wait for it; evicts small" },
    "               coder loading: 3 works wait for it; evicts small",
  ],
  [
    {
      type: "model-loaded",
      model: "coder",
      durationMs: 2340,
      slots: 3,
      contextTokens: 8192,
      devices: ["gpu0"],
      bytes: 2 ** 32,
    },
    "               coder loaded: 3 × 8192 tokens, 4.0 GiB of gpu0 · 2.3 s",
  ],
  [{ type: "model-loaded", model: "large", durationMs: 20 }, "               large loaded · 0.0 s"],
  [
    { type: "model-resized", model: "coder", slots: 1, contextTokens: 8192, why: "small needs room" },
    "               coder has 8192 tokens now: small needs room",
  ],
  [{ type: "model-unloaded", model: "coder", why: "as asked" }, "               coder unloaded: as asked"],
  [
    { type: "model-shrunk", model: "coder", slots: 2, contextTokens: 4096, why: "the GPU had 300 MiB less" },
    "               coder did not fit, tried with 2 × 4096 tokens: the GPU had 300 MiB less",
  ],
  [
    { type: "model-crashed", model: "coder", why: "killed by SIGKILL", crashes: 1 },
    "               coder crashed: killed by SIGKILL",
  ],
  [
    { type: "model-crashed", model: "coder", why: "killed by SIGKILL", crashes: 3 },
    "               coder crashed 3 times: killed by SIGKILL",
  ],
  [
    {
      type: "approval-asked",
      task: "code",
      step: "code/turn-1/call",
      approval: "abcdefgh",
      tool: "run_command",
      shown: 'run_command: git push\nask command "git push **"',
      expiresAtMs: 0,
    },
    [
      "code           asks you: run_command: git push",
      '               ask command "git push **"',
      "               atos approve abcdefgh   or   atos deny abcdefgh",
    ].join("\n"),
  ],
  [
    { type: "approval-answered", approval: "abcdefgh", decision: "denied", by: "ada" },
    "               abcdefgh is denied by ada",
  ],
  [
    { type: "approval-answered", approval: "abcdefgh", decision: "expired", by: "" },
    "               abcdefgh is expired",
  ],
  [
    { type: "approval-notice-failed", approval: "abcdefgh", why: "the webhook answered 500" },
    "               the webhook could not be told of abcdefgh: the webhook answered 500",
  ],
];

const EDGE = { type: "edge-taken", graph: "task", task: "code" } as const;
const MERGED = {
  type: "merged",
  task: "code",
  commit: "0123456789abcdef",
  tree: "t",
  paths: ["a.py", "b.py"],
} as const;
const TEAM_LINES: readonly (readonly [BuildEvent, string | undefined])[] = [
  [{ ...EDGE, from: "write", to: "syntax", on: "files" }, undefined],
  [{ ...EDGE, graph: "build", task: "", from: "start", to: "spec", on: "ready" }, undefined],
  [
    { ...EDGE, from: "reflect", to: "resample", on: "resample" },
    "code           begins again with another seed: no progress, or no round left; a sample is",
  ],
  [
    { ...EDGE, from: "reflect", to: "escalate", on: "escalate" },
    "code           goes to the next tier: no sample left; a stronger model is",
  ],
  [
    { ...EDGE, from: "review", to: "fix", on: "revise" },
    "code           is repaired: something must be fixed, and a round is left",
  ],
  [
    { ...EDGE, graph: "decompose", task: "plan", from: "validate", to: "repair", on: "invalid" },
    "plan           the plan is mended: something is wrong with it, and a try is left",
  ],
  [
    { type: "tier-ended", task: "code", tier: "simple", model: "small", green: false, samples: 2, rounds: 1 },
    "code           simple tier · small: red after 2 samples, 1 repair",
  ],
  [{ ...MERGED, how: "merge" }, "code           merged (0123456789)"],
  [{ ...MERGED, how: "conflict" }, "code           can't be merged as it is: both sides changed a.py, b.py"],
  [{ ...MERGED, how: "red" }, "code           merged, but then tests are red"],
  [{ ...MERGED, how: "left-out" }, "code           left out: it could not be put together with the rest"],
  [
    { type: "limit-reached", limit: "tokens", most: 500 },
    "limit          500 tokens reached: nothing new is begun, what is there is verified and delivered",
  ],
  [{ type: "files-written", step: "s", task: "code", from: "a", tree: "b" }, undefined],
  [
    { type: "build-forked", from: "old", step: "spec/turn-1", steps: 1, events: 3, seed: 7 },
    "fork           of old, from spec/turn-1 on with seed 7; kept from before that: 1 step",
  ],
];

test("of the graphs only what goes otherwise than one would think is told, with the graph's own reason", () => {
  assert.deepEqual(
    TEAM_LINES.map(([event]) => renderEvent(event)),
    TEAM_LINES.map(([, line]) => line),
  );
});

test("what the pool does and what is asked is told in short, with its reason", () => {
  assert.deepEqual(
    LINES.map(([event]) => renderEvent(event)),
    LINES.map(([, line]) => line),
  );
});

test("a tool call is one line, with how it ended", () => {
  const call = { type: "tool-called", step: "s", task: "code", tool: "run_command", durationMs: 1234 } as const;
  const counts = { characters: 1, leftOut: 0, redactions: 0 } as const;
  assert.equal(
    renderEvent({ ...call, ...counts, call: "run_command: ls\nrm x", outcome: "ok", because: "policy" }),
    "code           run_command: ls · 1.2 s",
  );
  const denied = renderEvent({ ...call, ...counts, call: "x".repeat(99), outcome: "denied", because: "rule 2" });
  assert.equal(denied, `code           ${"x".repeat(79)}… · denied: rule 2`);
});
