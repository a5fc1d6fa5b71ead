import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { graphProblems } from "../src/base/graph.ts";
import { GRAPHS, whyTaken } from "../src/workflows/graphs.ts";
import { GRAPHS_DOCUMENT, graphsDocument } from "../scripts/draw-graphs.ts";

test("docs/graphs.md shows the graphs as they are; npm run graphs writes it anew", () => {
  assert.equal(readFileSync(GRAPHS_DOCUMENT, "utf8"), graphsDocument());
});

test("every graph has a name of its own, and nothing wrong with it", () => {
  assert.deepEqual(
    GRAPHS.map((graph) => [graph.name, graphProblems(graph)]),
    ["build", "decompose", "task", "reply"].map((name) => [name, []]),
  );
});

test("why an edge is taken is what its graph says; of an unknown one nothing is said", () => {
  const edge = { from: "reflect", to: "failed", on: "give-up" };
  assert.equal(whyTaken("task", edge), "nothing is left to try");
  assert.deepEqual([whyTaken("build", edge), whyTaken("ghost", edge)], ["", ""]);
});
