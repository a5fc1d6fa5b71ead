import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AtosError } from "../base/errors.ts";
import { RandomTrees, randomNumbers } from "../../test/fixtures/random-trees.ts";
import { treeChanges } from "./tree-changes.ts";
import { editTree, type TreeEdits } from "./tree-edit.ts";
import { EMPTY_TREE, MODE } from "./tree-lines.ts";
import { walkTree } from "./tree-walk.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-edit-"));
const git = (args: readonly string[], input = "") =>
  execFileSync("git", args, { cwd: directory, input: Buffer.from(input, "latin1"), encoding: "utf8" }).trim();

before(() => void git(["init", "--quiet", "--bare"]));
after(() => rmSync(directory, { recursive: true }));

type Files = Map<string, { readonly mode: string; readonly hash: string }>;

/** What edits mean, said in another way; undefined where one path would be a file and a folder. */
function edited(files: Files, { write, remove }: TreeEdits): Files | undefined {
  const isBelow = (path: string, folder: string) => path.startsWith(`${folder}/`);
  const made: Files = new Map(
    [...files].filter(([path]) => !remove.some((gone) => path === gone || isBelow(path, gone))),
  );
  for (const [path, { hash, mode }] of write) {
    const before = made.get(path)?.mode === MODE.executable ? MODE.executable : MODE.file;
    made.set(path, { hash, mode: mode ?? before });
  }
  const paths = [...made.keys()];
  return paths.some((path) => paths.some((other) => isBelow(other, path))) ? undefined : made;
}

/** The tree that git makes of these files. */
function gitTree(files: Files): string {
  git(["read-tree", "--empty"]);
  git(
    ["update-index", "-z", "--index-info"],
    [...files].map(([path, { mode, hash }]) => `${mode} ${hash}\t${path}\0`).join(""),
  );
  return git(["write-tree", "--missing-ok"]);
}

test("random edits give the trees that git makes of the same files, and their differences are found", async () => {
  let refused = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const trees = new RandomTrees(randomNumbers(seed));
    let files: Files = new Map();
    let tree = EMPTY_TREE;
    for (let step = 0; step < 12; step++) {
      const some = [trees.edits(), trees.edits()];
      const edits: TreeEdits = {
        write: new Map(some.flatMap(({ write }) => [...write])),
        remove: some.flatMap(({ remove }) => remove),
      };
      const expected = edited(files, edits);
      const before = { tree, files };
      const after = await trees.edit(tree, edits).catch((error: unknown) => {
        if (!(error instanceof AtosError) || error.code !== "journal/bad-path") throw error;
        return undefined;
      });
      assert.equal(after === undefined, expected === undefined, `seed ${seed}, step ${step}`);
      if (after === undefined || expected === undefined) {
        refused++;
        continue;
      }
      [tree, files] = [after, expected];
      const walked = await walkTree(trees.readTree, tree);
      assert.deepEqual(
        walked.map(({ path, line: { mode, hash } }) => [path, mode, hash]),
        [...files].map(([path, { mode, hash }]) => [path, mode, hash]).toSorted(byPath),
      );
      const changes = (await treeChanges(trees.readTree, before.tree, tree)).map(({ path, from, to }) => [
        path,
        from?.hash,
        from?.mode,
        to?.hash,
        to?.mode,
      ]);
      assert.deepEqual(changes, differences(before.files, files), `seed ${seed}, step ${step}`);
    }
    assert.equal(tree, gitTree(files), `seed ${seed}`);
  }
  assert.ok(refused > 20, `only ${refused} were refused`);
});

const byPath = ([one = ""]: (string | undefined)[], [other = ""]: (string | undefined)[]) => (one < other ? -1 : 1);

function differences(before: Files, after: Files): (string | undefined)[][] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((path) => {
      const [from, to] = [before.get(path), after.get(path)];
      return [path, from?.hash, from?.mode, to?.hash, to?.mode];
    })
    .filter(([, fromHash, fromMode, toHash, toMode]) => fromHash !== toHash || fromMode !== toMode)
    .toSorted(byPath);
}

test("a file of a tree can't be a folder too, nor a folder a file, and the message names them", async () => {
  const trees = new RandomTrees(randomNumbers(1));
  const leaf = trees.leaf();
  const tree = await trees.edit(EMPTY_TREE, { write: new Map([["a/b", leaf]]), remove: [] });
  const refusal = async (path: string) => {
    const edit = editTree(trees.readTree, tree, { write: new Map([[path, leaf]]), remove: [] });
    return edit.then(
      () => "taken",
      (error: unknown) => (error instanceof AtosError ? `${error.code}: ${error.message}` : "another error"),
    );
  };
  assert.equal(await refusal("a/b/c"), "journal/bad-path: a/b can't be both a file and the folder of a/b/c");
  assert.equal(await refusal("a"), "journal/bad-path: a can't be written as a file: it is a folder");
});

test("an edit reads only the folders on the way to what it changes", async () => {
  const trees = new RandomTrees(randomNumbers(2));
  const write = new Map(["a/a/a", "a/b/a", "b/a/a"].map((path) => [path, trees.leaf()]));
  const tree = await trees.edit(EMPTY_TREE, { write, remove: [] });
  const read: string[] = [];
  await editTree(
    (hash) => {
      read.push(hash);
      return trees.readTree(hash);
    },
    tree,
    { write: new Map([["a/b/b", trees.leaf()]]), remove: [] },
  );
  assert.equal(read.length, 3);
});
