import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { AtosError } from "../../base/errors.ts";
import { expectedLoadMs } from "./expected.ts";
import { type Facts, NO_FACTS } from "./facts.ts";
import { learnCrash, learnLoad } from "./learn.ts";
import { LearnedFacts } from "./learned-facts.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-facts-"));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const freshPath = (): string => join(directory, `pool-${files++}.json`);

const loadOf =
  (loadMs: number) =>
  (facts: Facts): Facts =>
    learnLoad(facts, { model: "m", loadMs, bytes: 1 }, 1);

test("what was learned is there again after a restart", async () => {
  const path = freshPath();
  {
    await using facts = await LearnedFacts.open(path);
    assert.deepEqual(facts.facts, NO_FACTS);
    facts.change(loadOf(5000));
    facts.change((known) => learnCrash(known, { model: "m" }, 7));
  }
  await using again = await LearnedFacts.open(path);
  assert.equal(again.note, undefined);
  assert.equal(expectedLoadMs(again.facts, "m", 1), 5000);
  assert.deepEqual(again.facts.models["m"]?.crashedAtMs, [7]);
});

test("many changes are few writes, and the last one is never lost", async () => {
  const path = freshPath();
  const facts = await LearnedFacts.open(path, { everyMs: 60_000 });
  for (let loads = 0; loads < 500; loads++) facts.change(loadOf(loads));
  await waitFor(() => readdirSync(directory).includes(path.slice(directory.length + 1)));
  const early = readFileSync(path, "utf8");
  facts.change(loadOf(1_000_000));
  await facts[Symbol.asyncDispose]();
  const late = readFileSync(path, "utf8");
  assert.notEqual(early, late);
  assert.deepEqual(JSON.parse(late), facts.facts);
});

test("changes after the first are written too, without an end", async () => {
  const path = freshPath();
  await using facts = await LearnedFacts.open(path, { everyMs: 1 });
  facts.change(loadOf(1000));
  await waitFor(() => readdirSync(directory).includes(path.slice(directory.length + 1)));
  facts.change(loadOf(9000));
  await waitFor(() => readFileSync(path, "utf8") === `${JSON.stringify(facts.facts)}\n`);
});

test("a damaged file, or one of another version, is put aside and the pool learns anew", async () => {
  for (const text of ["", "{", '{"version":1,"models":{"m":{}}}', '{"version":2,"models":{},"roles":{}}', "[]"]) {
    const path = freshPath();
    writeFileSync(path, text);
    await using facts = await LearnedFacts.open(path);
    assert.deepEqual(facts.facts, NO_FACTS);
    assert.match(facts.note ?? "", /damaged or of another version/);
    assert.equal(readFileSync(`${path}.damaged`, "utf8"), text);
  }
});

test("a ratio beyond its bounds is damage", async () => {
  const path = freshPath();
  const model = { usedAtMs: 1, memoryRatio: { nvidia: 30 }, speeds: {}, roles: {}, crashedAtMs: [] };
  writeFileSync(path, JSON.stringify({ version: 1, models: { m: model }, roles: {} }));
  await using facts = await LearnedFacts.open(path);
  assert.deepEqual(facts.facts, NO_FACTS);
});

test("a half file of a crash is no harm", async () => {
  const path = freshPath();
  writeFileSync(`${path}.new`, '{"version":1,"mod');
  {
    await using facts = await LearnedFacts.open(path);
    assert.equal(facts.note, undefined);
    facts.change(loadOf(1));
  }
  assert.ok(!readdirSync(directory).some((name) => name.endsWith(".new")));
});

test("a file that can't be read or written is told, and learning goes on in memory", async () => {
  const failures: AtosError[] = [];
  const facts = await LearnedFacts.open(directory, { onFailure: (error) => failures.push(error) });
  assert.match(facts.note ?? "", /can't be read/);
  facts.change(loadOf(3000));
  await facts[Symbol.asyncDispose]();
  assert.equal(expectedLoadMs(facts.facts, "m", 1), 3000);
  assert.deepEqual(
    failures.map(({ code }) => code),
    ["pool/facts-not-written"],
  );
});

async function waitFor(isSo: () => boolean): Promise<void> {
  const until = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > until) throw new Error("it did not come about within 20 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
