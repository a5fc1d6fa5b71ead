import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSize } from "./parse-size.ts";

test("sizes are read as people write them, and GB is GiB", () => {
  const sizes = ["4gb", "4GiB", " 4 g ", "4096mib", "0.5GB", "1.5 tb", "1M"].map(parseSize);
  assert.deepEqual(sizes, [2 ** 32, 2 ** 32, 2 ** 32, 2 ** 32, 2 ** 29, 1.5 * 2 ** 40, 2 ** 20]);
});

test("what is no size, or none that a memory could have, is refused", () => {
  for (const text of ["", "4", "gb", "-4gb", "4 kb", "1e3gb", "4gbs", "4,5gb", "0gb", "99999tb", "٤gb"])
    assert.equal(parseSize(text), undefined, text);
});
