import { REPLY_GRAPH } from "../agents/reply-graph.ts";
import type { Graph, Taken } from "../base/graph.ts";
import { BUILD_GRAPH } from "./build-graph.ts";
import { DECOMPOSE_GRAPH } from "./decompose-graph.ts";
import { TASK_GRAPH } from "./task-graph.ts";

/** Every graph that a build runs by. */
export const GRAPHS: readonly Graph[] = [BUILD_GRAPH, DECOMPOSE_GRAPH, TASK_GRAPH, REPLY_GRAPH];

/** Why an edge of the graph called `name` is taken; empty for one that it does not have, as that of another version. */
export function whyTaken(name: string, { from, to, on }: Taken): string {
  const edges = GRAPHS.find((graph) => graph.name === name)?.edges ?? [];
  return edges.find((edge) => edge.from === from && edge.to === to && edge.on === on)?.why ?? "";
}
