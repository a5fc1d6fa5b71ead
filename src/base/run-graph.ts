import { type Edge, type Graph, isEnd, nextEdge } from "./graph.ts";

/** What was done at a node, and what there is now. `on` names the edge to go on by. */
export type Step<State> = { readonly on: string; readonly state: State };

/** One function for each node that work is done at; ends need none. */
export type GraphWork<Node extends string, State> = Readonly<
  Partial<Record<Node, (state: State) => Promise<Step<State>>>>
>;

export type GraphRun<Node extends string, State> = {
  readonly graph: Graph<Node>;
  readonly work: GraphWork<Node, State>;
  /** Told of each edge before it is followed. */
  readonly taken: (edge: Edge<Node>) => void;
  /** The graph's own bounds end it sooner; this one ends a graph whose bounds are wrong. */
  readonly mostSteps: number;
};

/** Runs a graph from its start to one of its ends. What a node throws ends the run: it is no outcome. */
export async function runGraph<Node extends string, State>(
  { graph, work, taken, mostSteps }: GraphRun<Node, State>,
  start: State,
): Promise<{ readonly end: Node; readonly state: State }> {
  let node = graph.start;
  let state = start;
  for (let steps = 0; steps < mostSteps; steps++) {
    if (isEnd(graph, node)) return { end: node, state };
    const doing = work[node];
    if (doing === undefined) throw new Error(`graph ${graph.name} has nobody to do ${node}`);
    const done = await doing(state);
    const edge = nextEdge(graph, node, done.on);
    taken(edge);
    node = edge.to;
    state = done.state;
  }
  throw new Error(`graph ${graph.name} took more than ${mostSteps} steps; it was at ${node}`);
}
