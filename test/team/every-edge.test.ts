import assert from "node:assert/strict";
import { test } from "node:test";
import { EDGES_ELSEWHERE, EDGES_OF_FILES } from "../fixtures/edges-of-files.ts";
import { GRAPHS } from "../fixtures/team-builds.ts";

/* Each file of this folder holds its own builds to the edges that are promised for it; together they are all there are. */
const promised = [...Object.values(EDGES_OF_FILES).flat(), ...Object.keys(EDGES_ELSEWHERE)];
const edges = GRAPHS.flatMap(({ name, edges: all }) => all.map(({ from, on }) => `${name}/${from}/${on}`));

test("every edge of every graph is taken by a build of some file", () => {
  assert.deepEqual(
    edges.filter((edge) => !promised.includes(edge)),
    [],
  );
});

test("no edge is promised that there is not, or twice", () => {
  assert.deepEqual(
    promised.filter((edge, index) => !edges.includes(edge) || promised.indexOf(edge) < index),
    [],
  );
});
