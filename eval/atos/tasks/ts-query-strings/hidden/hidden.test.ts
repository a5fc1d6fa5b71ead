import assert from "node:assert/strict";
import { test } from "node:test";
import { formatQuery, parseQuery } from "./query.ts";

const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));

test("parses", () => {
  assert.deepEqual(plain(parseQuery("?a=1&b=x%20y")), { a: "1", b: "x y" });
  assert.deepEqual(plain(parseQuery("a=1&a=2&a=3&flag")), { a: ["1", "2", "3"], flag: "" });
  assert.deepEqual(plain(parseQuery("a+b=c+d&&x=1=2&")), { "a b": "c d", x: "1=2" });
  assert.deepEqual(plain(parseQuery("")), {});
  assert.deepEqual(plain(parseQuery("?")), {});
});

test("bad escapes stay", () => {
  assert.deepEqual(plain(parseQuery("a=%zz&b=100%")), { a: "%zz", b: "100%" });
});

test("names of objects' own are ordinary", () => {
  const read = parseQuery("toString=1&constructor=2");
  assert.equal(read["toString"], "1");
  assert.equal(read["constructor"], "2");
  assert.equal(Object.keys(parseQuery("__proto__=x")).join(), "__proto__");
});

test("formats", () => {
  assert.equal(formatQuery({ b: "x y", a: 1, c: true }), "a=1&b=x%20y&c=true");
  assert.equal(formatQuery({ list: ["1", "2"], none: undefined, nil: null, "a&b": "=" }), "a%26b=%3D&list=1&list=2");
  assert.equal(formatQuery({}), "");
});

test("there and back", () => {
  const values = { name: "Ann & Bob", city: "Köln", list: ["a+b", "c"] };
  assert.deepEqual(plain(parseQuery(formatQuery(values))), values);
});
