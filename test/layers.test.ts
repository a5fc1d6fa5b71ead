import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";

/** Bottom to top. A folder imports from itself and from rows before its own, never from a neighbour. */
const LAYERS = [
  ["base"],
  ["engine", "sandbox", "store", "telemetry"],
  ["pool", "memory", "journal"],
  ["tools", "deploy"],
  ["agents"],
  ["workflows", "training"],
  ["server"],
  ["app.ts"],
  ["cli"],
];

const rank = new Map(LAYERS.flatMap((row, index) => row.map((folder) => [folder, index] as const)));
const IMPORT = /(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

test("imports only point down the layers", () => {
  const wrong: string[] = [];
  const files = globSync("src/**/*.ts");
  assert.ok(files.length > 50, "the sources were not found");
  for (const file of files) {
    const from = file.split("/")[1] ?? "";
    assert.ok(rank.has(from), `src/${from} has no layer: add it to LAYERS`);
    for (const [, target = ""] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      const path = posix.join(posix.dirname(file), target);
      // Tests may use fixtures; nothing else may leave src.
      if (!path.startsWith("src/") && file.endsWith(".test.ts") && path.startsWith("test/fixtures/")) continue;
      const to = path.split("/")[1] ?? "";
      if (to !== from && (rank.get(to) ?? Infinity) >= (rank.get(from) ?? -1)) wrong.push(`${file} -> ${path}`);
    }
  }
  assert.deepEqual(wrong, []);
});
