import assert from "node:assert/strict";
import { test } from "node:test";
import { getPath, setPath } from "./paths.ts";

const value = { a: { b: [{ c: 1 }, { c: 2 }], "x.y": [10, 20, 30] }, n: null };

test("gets", () => {
  assert.equal(getPath(value, "a.b[1].c"), 2);
  assert.equal(getPath(value, 'a["x.y"][2]'), 30);
  assert.equal(getPath([[7]], "[0][0]"), 7);
  assert.equal(getPath(value, ""), value);
});

test("nothing there is undefined", () => {
  for (const path of ["z", "a.z.y", "a.b[9].c", "n.x", "a.b[0].c.d", "toString", "a.constructor"])
    assert.equal(getPath(value, path), undefined, path);
});

test("sets a copy and shares the rest", () => {
  const before = JSON.stringify(value);
  const changed = setPath(value, "a.b[0].c", 9);
  assert.equal(getPath(changed, "a.b[0].c"), 9);
  assert.equal(getPath(changed, "a.b[1]"), value.a.b[1]);
  assert.equal(getPath(changed, 'a["x.y"]'), value.a["x.y"]);
  assert.equal(JSON.stringify(value), before);
});

test("makes what is missing", () => {
  assert.deepEqual(setPath({}, "a.list[1].name", "x"), { a: { list: [undefined, { name: "x" }] } });
  assert.deepEqual(setPath(undefined, "[0]", 1), [1]);
  assert.equal(setPath({ a: 1 }, "", 5), 5);
});

test("paths that can't be read", () => {
  for (const path of [".a", "a.", "a..b", "a[", "a[x]", "a[-1]", "a]", 'a["b]', "a[0]b"])
    assert.throws(() => getPath(value, path), SyntaxError, path);
});
