import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ProbeReport } from "./probe-model.ts";
import { findProbe, storeProbe } from "./stored-probe.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-probes-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const at = new Date("2026-11-21T00:00:00Z");
const report: ProbeReport = {
  formats: [{ format: "hermes-xml", right: 4, of: 5, wrong: ["quotes: bad-type"] }],
  best: "hermes-xml",
  followsSchema: true,
  followsForcedSchema: undefined,
  stops: true,
  honoursSystemPrompt: false,
  thinking: { on: true, off: true },
  promptTokensPerSecond: 300,
  outputTokensPerSecond: 20,
  score: 0.85,
};

test("a probe belongs to the weights and not to their name, and a newer one replaces it", async () => {
  const weights = { kind: "gguf", id: "one", path: join(directory, "a.gguf") } as const;
  const copy = { kind: "gguf", id: "two", path: join(directory, "b.gguf") } as const;
  for (const { path } of [weights, copy]) writeFileSync(path, "the same bytes");
  await storeProbe(directory, weights, { report, at });
  await storeProbe(directory, weights, { report: { ...report, score: 0.9 }, at });
  const found = await findProbe(directory, copy);
  const { followsForcedSchema: _, ...kept } = report;
  assert.deepEqual(found, { model: "one", probedAt: at.toISOString(), report: { ...kept, score: 0.9 } });
});

test("a model that was never probed has none, and a file that can't be read is none", async () => {
  const server = { kind: "openai", id: "m", baseUrl: "http://127.0.0.1:1/v1", model: "m", contextTokens: 1 } as const;
  assert.equal(await findProbe(directory, server), undefined);
  writeFileSync(await storeProbe(directory, server, { report, at }), "{");
  assert.equal(await findProbe(directory, server), undefined);
});
