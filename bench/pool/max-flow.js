/**
 * A network whose largest flow is looked for (Dinic). What `flow` answers is carried by a real flow, so it is
 * never above the smallest cut, whatever the rounding.
 */
export function openNetwork(nodes) {
  const network = { first: new Int32Array(nodes).fill(-1), next: [], to: [], room: [], nodes };
  return {
    /** An edge of this capacity, and one back of another. */
    connect([from, to], capacity, back = 0) {
      for (const [a, b, room] of [
        [from, to, capacity],
        [to, from, back],
      ]) {
        network.to.push(b);
        network.room.push(room);
        network.next.push(network.first[a]);
        network.first[a] = network.to.length - 1;
      }
    },
    flow: (source, sink) => pushAll(network, source, sink),
    /** After `flow`: which nodes the source still reaches. */
    reached: (source) => levelsOf(network, source).map((level) => (level >= 0 ? 1 : 0)),
  };
}

const EPSILON = 1e-7;

function pushAll(network, source, sink) {
  let total = 0;
  for (;;) {
    const levels = levelsOf(network, source);
    if (levels[sink] < 0) return total;
    const current = network.first.slice();
    for (;;) {
      const pushed = pushOne(network, { levels, current, sink }, source);
      if (pushed <= 0) break;
      total += pushed;
    }
  }
}

function levelsOf({ first, next, to, room, nodes }, source) {
  const levels = new Int32Array(nodes).fill(-1);
  levels[source] = 0;
  const queue = [source];
  for (const node of queue) {
    for (let edge = first[node]; edge >= 0; edge = next[edge]) {
      if (room[edge] <= EPSILON || levels[to[edge]] >= 0) continue;
      levels[to[edge]] = levels[node] + 1;
      queue.push(to[edge]);
    }
  }
  return levels;
}

/** Pushes along one path of rising levels, found without recursion. */
function pushOne({ next, to, room }, { levels, current, sink }, source) {
  const path = [];
  let node = source;
  while (node !== sink) {
    const edge = current[node];
    if (edge < 0) {
      const back = path.pop();
      if (back === undefined) return 0;
      node = to[back ^ 1];
      current[node] = next[current[node]];
      continue;
    }
    if (room[edge] > EPSILON && levels[to[edge]] === levels[node] + 1) {
      path.push(edge);
      node = to[edge];
    } else current[node] = next[edge];
  }
  let pushed = Infinity;
  for (const edge of path) pushed = Math.min(pushed, room[edge]);
  for (const edge of path) {
    room[edge] -= pushed;
    room[edge ^ 1] += pushed;
  }
  return pushed;
}
