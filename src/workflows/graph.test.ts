import assert from "node:assert/strict";
import test from "node:test";
import { BUILD_GRAPH } from "./build-graph.ts";
import { DECOMPOSE_GRAPH } from "./decompose-graph.ts";
import { drawGraph } from "./draw-graph.ts";
import { type Graph, graphProblems, nextEdge } from "../base/graph.ts";
import { runGraph } from "../base/run-graph.ts";
import { TASK_GRAPH } from "./task-graph.ts";

const LOOP: Graph<"try" | "look" | "done" | "lost"> = {
  name: "loop",
  start: "try",
  nodes: { try: "try it", look: "look", done: "it works", lost: "it does not" },
  edges: [
    { from: "try", to: "look", on: "tried", why: "something was made" },
    { from: "look", to: "try", on: "bad", why: 'it is "bad"' },
    { from: "look", to: "done", on: "good", why: "it is good" },
    { from: "look", to: "lost", on: "out", why: "no try is left" },
  ],
  bounds: { try: "three times" },
};

for (const graph of [BUILD_GRAPH, DECOMPOSE_GRAPH, TASK_GRAPH] as readonly Graph[])
  test(`the graph ${graph.name} leads from its start to its ends, and every loop is bounded`, () => {
    assert.deepEqual(graphProblems(graph), []);
  });

test("names what is wrong with a graph", () => {
  const wrong: Graph<"a" | "b" | "c" | "d"> = {
    ...LOOP,
    start: "a",
    nodes: { a: "", b: "", c: "", d: "" },
    edges: [
      { from: "a", to: "b", on: "x", why: "" },
      { from: "a", to: "c", on: "x", why: "" },
      { from: "b", to: "b", on: "again", why: "" },
      { from: "d", to: "c", on: "y", why: "" },
    ],
    bounds: {},
  };
  assert.deepEqual(graphProblems(wrong), [
    "d is never reached",
    "no end can be reached from b",
    "two edges leave a on x",
    "nothing bounds the loop through b",
  ]);
});

test("goes on by the edge that a node's outcome names, and by no other", () => {
  assert.equal(nextEdge(LOOP, "look", "good").to, "done");
  assert.throws(() => nextEdge(LOOP, "look", "tired"), /graph loop has no edge from look on tired/);
});

test("runs to an end and tells every edge before it follows it", async () => {
  const told: string[] = [];
  const { end, state } = await runGraph(
    {
      graph: LOOP,
      work: {
        try: async (tries: number) => ({ on: "tried", state: tries + 1 }),
        look: async (tries: number) => ({ on: tries < 2 ? "bad" : "good", state: tries }),
      },
      taken: ({ from, to }) => told.push(`${from} → ${to}`),
      mostSteps: 10,
    },
    0,
  );
  assert.deepEqual([end, state], ["done", 2]);
  assert.deepEqual(told, ["try → look", "look → try", "try → look", "look → done"]);
});

test("a graph that does not end by itself is ended", async () => {
  const work = {
    try: async (state: number) => ({ on: "tried", state }),
    look: async (state: number) => ({ on: "bad", state }),
  };
  await assert.rejects(
    runGraph({ graph: LOOP, work, taken: () => {}, mostSteps: 7 }, 0),
    /graph loop took more than 7 steps; it was at look/,
  );
});

test("draws what can happen, and thick what did", () => {
  const path = [
    { from: "try", to: "look", on: "tried" },
    { from: "look", to: "try", on: "bad" },
    { from: "try", to: "look", on: "tried" },
  ];
  assert.equal(
    drawGraph(LOOP, path),
    `flowchart TD
  n_try["try<br>try it<br>three times"]
  n_look["look<br>look"]
  n_done(["done<br>it works"])
  n_lost(["lost<br>it does not"])
  n_try ==>|"tried ×2: something was made"| n_look
  n_look ==>|"bad: it is #quot;bad#quot;"| n_try
  n_look -->|"good: it is good"| n_done
  n_look -->|"out: no try is left"| n_lost
  classDef taken stroke-width:3px
  class n_try,n_look taken
`,
  );
});
