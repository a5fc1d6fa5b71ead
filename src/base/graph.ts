/** A way from one node to another: taken when the work at `from` ended as `on` says, for the reason `why`. */
export type Edge<Node extends string = string> = {
  readonly from: Node;
  readonly to: Node;
  readonly on: string;
  readonly why: string;
};

/**
 * A state graph as a value: what runs it, draws it and explains it afterwards reads the same one.
 *
 * Nodes without an edge that leaves them are its ends. `bounds` says, for each node that a loop leads to, what keeps
 * the loop from going on for ever.
 */
export type Graph<Node extends string = string> = {
  readonly name: string;
  readonly start: Node;
  /** What is done at each node. */
  readonly nodes: Readonly<Record<Node, string>>;
  readonly edges: readonly Edge<Node>[];
  readonly bounds: Readonly<Partial<Record<Node, string>>>;
};

/** An edge that was taken. */
export type Taken = Pick<Edge, "from" | "to" | "on">;

/**
 * Where a graph goes on from `from` when its work ended as `on`. Pure.
 *
 * @throws when the graph has no such edge, or two: a bug of whoever wrote the graph.
 */
export function nextEdge<Node extends string>(graph: Graph<Node>, from: Node, on: string): Edge<Node> {
  const [edge, other] = graph.edges.filter((one) => one.from === from && one.on === on);
  if (edge === undefined || other !== undefined)
    throw new Error(`graph ${graph.name} has ${edge === undefined ? "no edge" : "two edges"} from ${from} on ${on}`);
  return edge;
}

export function isEnd<Node extends string>(graph: Graph<Node>, node: Node): boolean {
  return graph.edges.every(({ from }) => from !== node);
}

/**
 * What is wrong with a graph: nodes that can't be reached or from which no end can be, edges of the same name, loops
 * that nothing bounds. Pure.
 */
export function graphProblems<Node extends string>(graph: Graph<Node>): readonly string[] {
  const nodes = nodesOf(graph);
  const reached = closure([graph.start], (node) => targets(graph, node));
  const ending = closure(
    nodes.filter((node) => isEnd(graph, node)),
    (node) => graph.edges.filter(({ to }) => to === node).map(({ from }) => from),
  );
  const names = graph.edges.map(({ from, on }) => `${from} on ${on}`);
  const loops = nodes.filter((node) => closure(targets(graph, node), (one) => targets(graph, one)).has(node));
  return [
    ...nodes.filter((node) => !reached.has(node)).map((node) => `${node} is never reached`),
    ...nodes.filter((node) => !ending.has(node)).map((node) => `no end can be reached from ${node}`),
    ...names.filter((name, index) => names.indexOf(name) < index).map((name) => `two edges leave ${name}`),
    ...unboundedLoops(graph, loops),
  ];
}

/** Loops that go on when every node with a bound is taken out. */
function unboundedLoops<Node extends string>(graph: Graph<Node>, loops: readonly Node[]): readonly string[] {
  const unbounded = (node: Node): readonly Node[] =>
    targets(graph, node).filter((to) => graph.bounds[to] === undefined && graph.bounds[node] === undefined);
  return loops
    .filter((node) => closure(unbounded(node), unbounded).has(node))
    .map((node) => `nothing bounds the loop through ${node}`);
}

function targets<Node extends string>(graph: Graph<Node>, node: Node): readonly Node[] {
  return graph.edges.filter(({ from }) => from === node).map(({ to }) => to);
}

function closure<Node extends string>(
  start: readonly Node[],
  more: (node: Node) => readonly Node[],
): ReadonlySet<Node> {
  const found = new Set(start);
  // A set is walked in the order of insertion, also by what is added on the way.
  for (const node of found) for (const next of more(node)) found.add(next);
  return found;
}

/** The nodes in the order they were written. */
export function nodesOf<Node extends string>(graph: Graph<Node>): readonly Node[] {
  const known = new Set<string>(Object.keys(graph.nodes));
  const named = [graph.start, ...graph.edges.flatMap(({ from, to }) => [from, to])];
  return [...new Set(named)].filter((node) => known.has(node));
}
