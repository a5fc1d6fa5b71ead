import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { drawGraph } from "../src/workflows/draw-graph.ts";
import { GRAPHS } from "../src/workflows/graphs.ts";

/** The document that shows every graph; a test compares it with what is there. */
export const GRAPHS_DOCUMENT = fileURLToPath(new URL("../docs/graphs.md", import.meta.url));

const ABOUT: Readonly<Record<string, string>> = {
  build: "A whole build, from the goal to a repository with a receipt.",
  decompose: "How the tech lead's plan becomes tasks that can be run; the node `plan` of a build.",
  task: "One task, from what its developer is told to files that pass their tests.",
  reply: "One question to any role, until its reply can be read. It is part of every node that asks a model.",
};

/** Every graph as Mermaid, each by itself. Pure. */
export function graphsDocument(): string {
  const graphs = GRAPHS.map((graph) =>
    [`## ${graph.name}`, "", ABOUT[graph.name] ?? "", "", "```mermaid", drawGraph(graph).trimEnd(), "```", ""].join(
      "\n",
    ),
  );
  return [
    "# Graphs",
    "",
    "What a build does next is decided by graphs that are values in the sources: `build-graph.ts`, `decompose-graph.ts`",
    "and `task-graph.ts` in `src/workflows`, `reply-graph.ts` in `src/agents`. The same value runs, explains",
    "(`atos debug TASK`) and draws (`atos debug --graph NAME`, with the path that a build took). An edge says by which",
    "outcome it is taken, and why. This page is written by `npm run graphs`; a test holds it to the values.",
    "",
    ...graphs,
  ].join("\n");
}

if (import.meta.main) writeFileSync(GRAPHS_DOCUMENT, graphsDocument());
