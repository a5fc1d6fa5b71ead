import { type Graph, isEnd, nodesOf, type Taken } from "../base/graph.ts";

/**
 * A graph as a Mermaid flow chart, with what was taken of it: edges that were taken are thick and say how often, the
 * rest is drawn thin. Pure.
 */
export function drawGraph(graph: Graph, path: readonly Taken[] = []): string {
  const nodes = nodesOf(graph);
  const taken = graph.edges.map(
    (edge) => path.filter(({ from, to, on }) => edge.from === from && edge.to === to && edge.on === on).length,
  );
  const visited = new Set([...(path.length === 0 ? [] : [graph.start]), ...path.map(({ to }) => to)]);
  const lines = [
    "flowchart TD",
    ...nodes.map((node) => `  ${idOf(node)}${shape(graph, node)}`),
    ...graph.edges.map(({ from, to, on, why }, index) => {
      const times = taken[index] ?? 0;
      const arrow = times > 0 ? "==>" : "-->";
      const count = times > 1 ? ` ×${times}` : "";
      return `  ${idOf(from)} ${arrow}|"${quoted(on)}${count}: ${quoted(why)}"| ${idOf(to)}`;
    }),
  ];
  const seen = nodes.filter((node) => visited.has(node));
  if (seen.length > 0) lines.push("  classDef taken stroke-width:3px", `  class ${seen.map(idOf).join(",")} taken`);
  return `${lines.join("\n")}\n`;
}

function shape(graph: Graph, node: string): string {
  const bound = graph.bounds[node];
  const text = quoted([node, graph.nodes[node], ...(bound === undefined ? [] : [bound])].join("<br>"));
  return isEnd(graph, node) ? `(["${text}"])` : `["${text}"]`;
}

/** Mermaid has words of its own, such as end. */
function idOf(node: string): string {
  return `n_${node.replaceAll(/\W/g, "_")}`;
}

function quoted(text: string): string {
  return text.replaceAll('"', "#quot;");
}
