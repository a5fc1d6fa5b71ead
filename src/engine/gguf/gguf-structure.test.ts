import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeRandomGguf } from "../../../test/fixtures/make-gguf.ts";
import { checkGgufStructure } from "./gguf-structure.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-structure-"));
after(() => rmSync(directory, { recursive: true, force: true }));

test("accepts a whole file, and refuses one whose last tensor is cut", async () => {
  const path = join(directory, "model.gguf");
  writeRandomGguf(path);
  await checkGgufStructure(path);
  truncateSync(path, statSync(path).size - 64);
  await assert.rejects(checkGgufStructure(path), { code: "engine/model-broken", message: /it is cut short/ });
});
