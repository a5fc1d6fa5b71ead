import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { serverProcesses } from "./server-processes.ts";

let root: string;
let dataDirectory: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "atos-cluster-"));
  dataDirectory = path.join(root, "postgres");
});
afterEach(async () => await rm(root, { recursive: true }));

const start = async (signal?: AbortSignal) =>
  await startEmbeddedPostgres({ dataDirectory, socketDirectory: root, ...(signal && { signal }) });

test("a half-made cluster is thrown away, and a whole one is its owner's alone", async () => {
  await mkdir(path.join(root, "postgres.new-killed", "base"), { recursive: true });
  await (await start()).stop();
  assert.deepEqual((await readdir(root)).toSorted(), ["postgres", "postgres.log"]);
  assert.equal((await stat(dataDirectory)).mode & 0o777, 0o700);
  assert.equal((await stat(`${dataDirectory}.log`)).mode & 0o777, 0o600);
});

test("a directory with something else in it is left alone", async () => {
  await mkdir(dataDirectory);
  await writeFile(path.join(dataDirectory, "thesis.txt"), "");
  await assert.rejects(start(), { code: "store/not-a-data-directory", exitCode: 2 });
  assert.deepEqual(await readdir(dataDirectory), ["thesis.txt"]);
});

test("an abort ends the start and leaves no half-made cluster", async () => {
  const reason = new Error("enough");
  for (const afterMs of [0, 100]) {
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), afterMs);
    await assert.rejects(start(abort.signal), reason);
    assert.deepEqual(serverProcesses(dataDirectory), []);
    assert.deepEqual(await readdir(root), []);
  }
});
