import assert from "node:assert/strict";
import { test } from "node:test";
import { columns } from "./config.ts";

test("values stand in one column, however long a name is", () => {
  assert.deepEqual(
    columns([
      ["home", "/h"],
      ["approval_expires_minutes", "1440"],
    ]),
    ["home                      /h", "approval_expires_minutes  1440"],
  );
});
