import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeRandomGguf } from "../../../test/fixtures/make-gguf.ts";
import { identifyGguf } from "./gguf-identity.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-identity-"));
after(() => rmSync(directory, { recursive: true, force: true }));

test("names a model by its file, its size and the SHA-256 of all of it", async () => {
  const source = join(directory, "tiny-1b.q4.gguf");
  writeRandomGguf(source);
  const content = readFileSync(source);
  const sha256 = createHash("sha256").update(content).digest("hex");
  assert.deepEqual(await identifyGguf(source), { id: "tiny-1b.q4", source, sha256, bytes: content.length });
});

test("gives the same weights the same identity, and others another", async () => {
  const hashes = await Promise.all(
    [1, 1, 2].map(async (seed, index) => {
      const path = join(directory, `seed-${index}.gguf`);
      writeRandomGguf(path, { seed });
      return (await identifyGguf(path)).sha256;
    }),
  );
  assert.equal(hashes[0], hashes[1]);
  assert.notEqual(hashes[0], hashes[2]);
});

test("refuses a file that is not there, and stops when it is told to", async () => {
  await assert.rejects(identifyGguf(join(directory, "none.gguf")), { code: "engine/model-not-found", exitCode: 3 });
  const reason = new Error("stop");
  const path = join(directory, "stopped.gguf");
  writeRandomGguf(path);
  await assert.rejects(identifyGguf(path, AbortSignal.abort(reason)), reason);
});
