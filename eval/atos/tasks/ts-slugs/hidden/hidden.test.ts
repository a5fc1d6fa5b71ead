import assert from "node:assert/strict";
import { test } from "node:test";
import { slugify, uniqueSlug } from "./slugs.ts";

test("plain titles", () => {
  assert.equal(slugify("Hello, World!"), "hello-world");
  assert.equal(slugify("  A  --  B  "), "a-b");
  assert.equal(slugify("Version 2.0"), "version-2-0");
});

test("accents and other letters", () => {
  assert.equal(slugify("Crème Brûlée"), "creme-brulee");
  assert.equal(slugify("日本"), "");
});

test("unique ones", () => {
  assert.equal(uniqueSlug("My Post", []), "my-post");
  assert.equal(uniqueSlug("My Post", ["my-post"]), "my-post-2");
  assert.equal(uniqueSlug("My Post", ["my-post", "my-post-2", "my-post-4"]), "my-post-3");
  assert.equal(uniqueSlug("!!!", []), "untitled");
  assert.equal(uniqueSlug("", ["untitled"]), "untitled-2");
});
