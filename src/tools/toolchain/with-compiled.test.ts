import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withCompiled } from "./with-compiled.ts";

const top = mkdtempSync(join(tmpdir(), "atos-compiled-"));
after(() => rmSync(top, { recursive: true, force: true }));
const kept = join(top, "kept");

/** Compiles as a command does, and says what was there before. */
function compile(root: string, name: string) {
  return async (): Promise<readonly string[]> => {
    const folder = join(root, ".check-cache");
    mkdirSync(folder, { recursive: true });
    const before = readdirSync(folder).toSorted();
    writeFileSync(join(folder, name), "");
    return before;
  };
}

test("what was compiled is there the next time, also after a failure, and never among the work", async () => {
  const root = mkdtempSync(join(top, "root-"));
  assert.deepEqual(await withCompiled(root, kept, compile(root, "a")), []);
  const failing = withCompiled(root, kept, async () => {
    await compile(root, "b")();
    throw new Error("red");
  });
  await assert.rejects(failing, { message: "red" });
  assert.deepEqual(readdirSync(root), []);
  assert.deepEqual(await withCompiled(root, kept, compile(root, "c")), ["a", "b"]);
  assert.deepEqual(readdirSync(kept).toSorted(), ["a", "b", "c"]);
});

test("without a place to keep it goes, and what the project has of that name stays", async () => {
  const root = mkdtempSync(join(top, "root-"));
  assert.deepEqual(await withCompiled(root, undefined, compile(root, "a")), []);
  assert.equal(existsSync(join(root, ".check-cache")), false);
  mkdirSync(join(root, ".check-cache"));
  writeFileSync(join(root, ".check-cache/mine"), "");
  assert.deepEqual(await withCompiled(root, kept, compile(root, "d")), ["mine"]);
  assert.deepEqual(await withCompiled(root, undefined, compile(root, "e")), ["d", "mine"]);
  assert.deepEqual(readdirSync(kept).includes("d"), false);
});
