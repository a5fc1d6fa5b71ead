import assert from "node:assert/strict";
import { access, constants, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { makeLinks, postgresBinaries } from "./postgres-binaries.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "atos-links-"));
  await mkdir(path.join(root, "native"));
});
afterEach(async () => await rm(root, { recursive: true }));

const list = async (text: string) => await writeFile(path.join(root, "native", "pg-symlinks.json"), text);
const oneLink = JSON.stringify([{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so" }]);

test("the binaries of this machine are found and can be run", async () => {
  const { initdb, postgres } = await postgresBinaries();
  await access(initdb, constants.X_OK);
  await access(postgres, constants.X_OK);
});

test("missing links are made, by several processes at once if need be", async () => {
  await list(oneLink);
  await mkdir(path.join(root, "native", "lib"));
  await writeFile(path.join(root, "native", "lib", "libpq.so.5.18"), "a library");
  await Promise.all([makeLinks(root), makeLinks(root)]);
  assert.equal(await readFile(path.join(root, "native", "lib", "libpq.so"), "utf8"), "a library");
});

test("a package without links needs none", async () => {
  await makeLinks(root);
});

test("a link that can't be made is named, with the way out", async () => {
  await list(oneLink);
  await writeFile(path.join(root, "native", "lib"), "a file, so nothing can be made below it");
  await assert.rejects(makeLinks(root), {
    code: "store/postgres-links",
    exitCode: 3,
    message: /native\/lib\/libpq\.so .*npm rebuild.*DATABASE_URL/,
  });
});

test("a damaged list of links is named", async () => {
  await list("[{");
  await assert.rejects(makeLinks(root), { code: "store/postgres-links", message: /pg-symlinks\.json/ });
});
