import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { RandomTrees, randomNumbers } from "../../test/fixtures/random-trees.ts";
import { encodeCommit } from "./encode-commit.ts";
import { type GitObject, objectHash } from "./git-object.ts";
import { mergeTrees } from "./merge-trees.ts";
import { ObjectStore } from "./object-store.ts";
import { MODE } from "./tree-lines.ts";
import { walkTree } from "./tree-walk.ts";
import { textOf } from "./workspace-place.ts";
import { Workspaces } from "./workspaces.ts";

const CASES = 250;
const directory = mkdtempSync(join(tmpdir(), "atos-merge-"));
const repository = join(directory, "merge.git");
let workspaces: Workspaces;
let objects: ObjectStore;

before(async () => {
  workspaces = await Workspaces.open(repository);
  objects = new ObjectStore(repository);
});
after(() => rmSync(directory, { recursive: true }));

type Case = { readonly seed: number; readonly base: string; readonly ours: string; readonly theirs: string };
type Answer = { readonly tree: string; readonly conflicts: readonly string[] };

/** What git makes of it. It looks for renamed files and finds none: no two paths have like contents. */
function mergeByGit(ours: string, theirs: string): Answer {
  const args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z"];
  const { stdout, status } = spawnSync("git", [...args, ours, theirs], { cwd: repository, encoding: "utf8" });
  assert.ok(status === 0 || status === 1);
  const [tree = "", ...conflicts] = stdout.split("\0").filter((text) => text !== "");
  return { tree, conflicts: status === 0 ? [] : conflicts };
}

test("random merges end as git's do, and where git finds a conflict the tree has our side of it", async () => {
  const made = new Map<string, GitObject>();
  const cases: (Case & { readonly commits: readonly string[] })[] = [];
  const commit = (tree: string, parents: readonly string[]) => {
    const bytes = encodeCommit({ tree, parents, message: "One\n", at: new Date(0) });
    const hash = objectHash("commit", bytes);
    made.set(hash, { type: "commit", bytes });
    return hash;
  };
  for (let seed = 1; seed <= CASES; seed++) {
    const next = randomNumbers(seed);
    const trees = new RandomTrees(next);
    const base = await trees.tree(12);
    const sides = [base, base];
    for (let step = 2 + next(6); step > 0; step--) sides[step % 2] = await trees.change(sides[step % 2] ?? base, base);
    const [ours = base, theirs = base] = sides;
    for (const [hash, object] of trees.made) made.set(hash, object);
    const parent = commit(base, []);
    cases.push({ seed, base, ours, theirs, commits: [commit(ours, [parent]), commit(theirs, [parent])] });
  }
  await objects.write(made);

  const counts = { merged: 0, conflicts: 0, text: 0 };
  for (const { seed, commits, ...trees } of cases) {
    const merge = await mergeTrees(objects, trees);
    const expected = mergeByGit(commits[0] ?? "", commits[1] ?? "");
    const paths = merge.conflicts.map(([path]) => textOf(path));
    const words = `seed ${seed}: ${paths.join()} and ${expected.conflicts.join()}`;
    assert.equal(paths.length > 0, expected.conflicts.length > 0, words);
    if (paths.length === 0) {
      assert.equal(merge.tree, expected.tree, `seed ${seed}`);
      counts.merged++;
      if ([...merge.made.values()].some(({ type }) => type === "blob")) counts.text++;
    } else {
      counts.conflicts++;
      // Git gives a file another name where a folder is in the way.
      const plain = expected.conflicts.map((path) => path.replace(/~[^/]*$/, ""));
      const unlike = [
        ...plain.filter((path) => !paths.includes(path)),
        ...paths.filter((path) => !plain.some((known) => path === known || path.startsWith(`${known}/`))),
      ];
      assert.deepEqual(unlike, [], words);
      await assertOurs({ seed, ...trees }, merge);
    }
    if (seed % 10 === 0) assert.deepEqual(await mergeTrees(objects, trees), merge, `seed ${seed}, again`);
  }
  assert.ok(Math.min(counts.merged, counts.conflicts, counts.text) > 10, JSON.stringify(counts));
});

/** The paths in conflict hold what they hold in `ours`. */
async function assertOurs({ seed, ours }: Case, merge: Awaited<ReturnType<typeof mergeTrees>>): Promise<void> {
  const memory = async (hash: string) => {
    const object = merge.made.get(hash);
    if (object !== undefined) await objects.write(new Map([[hash, object]]));
    return objects.tree(hash);
  };
  const files = async (tree: string) => new Map((await walkTree(memory, tree)).map(({ path, line }) => [path, line]));
  const [own, merged] = [await files(ours), await files(merge.tree)];
  for (const [path, sides] of merge.conflicts) {
    assert.deepEqual(merged.get(path), own.get(path), `seed ${seed}: ${path}`);
    assert.deepEqual(sides.ours, own.get(path), `seed ${seed}: ${path}`);
  }
}

test("what both sides changed in different lines is merged, and only then are files left in the repository for a moment", async () => {
  const lines = (...changed: number[]) =>
    Array.from({ length: 9 }, (_, line) => (changed.includes(line) ? `new ${line}\n` : `${line}\n`)).join("");
  const base = await workspaces.write([{ path: "a", content: lines() }]);
  const ours = await workspaces.write([{ path: "a", content: lines(1) }], base);
  const theirs = await workspaces.write([{ path: "a", content: lines(7) }], base);
  const merge = await workspaces.merge({ base, ours, theirs });
  assert.deepEqual(merge, { kind: "merged", tree: await workspaces.write([{ path: "a", content: lines(1, 7) }]) });
  assert.deepEqual(
    readdirSync(repository).filter((name) => name.startsWith("merge-")),
    [],
  );
});

test("a conflict tells what each side has, and whether that is text", async () => {
  const base = await workspaces.write([
    { path: "both", content: "one\n" },
    { path: "gone", content: "one\n" },
    { path: "image", content: "\0one" },
    { path: "quiet", content: "one\n" },
  ]);
  const ours = await workspaces.change(base, {
    write: [
      { path: "both", content: "ours\n" },
      { path: "image", content: "\0ours" },
      { path: "folder/file", content: "ours\n" },
    ],
    remove: ["gone"],
  });
  const theirs = await workspaces.change(base, {
    write: [
      { path: "both", content: "theirs\n" },
      { path: "gone", content: "theirs\n" },
      { path: "image", content: "\0theirs" },
      { path: "folder", content: "theirs\n" },
      { path: "quiet", content: "theirs\n" },
    ],
  });
  const text = (content: string) => ({ kind: "text", content });
  assert.deepEqual(await workspaces.merge({ base, ours, theirs }), {
    kind: "conflict",
    tree: await workspaces.write([{ path: "quiet", content: "theirs\n" }], ours),
    paths: ["both", "folder", "gone", "image"],
    conflicts: [
      { path: "both", base: text("one\n"), ours: text("ours\n"), theirs: text("theirs\n") },
      { path: "folder", base: undefined, ours: undefined, theirs: text("theirs\n") },
      { path: "gone", base: text("one\n"), ours: undefined, theirs: text("theirs\n") },
      {
        path: "image",
        base: { kind: "binary", bytes: 4 },
        ours: { kind: "binary", bytes: 5 },
        theirs: { kind: "binary", bytes: 7 },
      },
    ],
  });
});

test("a file of ours where they have a folder is a conflict of both", async () => {
  const base = await workspaces.write([]);
  const ours = await workspaces.write([{ path: "a", content: "ours\n" }]);
  const theirs = await workspaces.write([{ path: "a/b", content: "theirs\n" }]);
  const merge = await workspaces.merge({ base, ours, theirs });
  assert.deepEqual(merge.kind === "conflict" && [merge.paths, merge.tree], [["a", "a/b"], ours]);
});

test("a file that they replaced by a folder is replaced, where we left it alone", async () => {
  const base = await workspaces.write([{ path: "a", content: "one\n" }]);
  const ours = await workspaces.write([{ path: "b", content: "ours\n" }], base);
  const theirs = await workspaces.change(base, { remove: ["a"], write: [{ path: "a/b", content: "theirs\n" }] });
  const tree = await workspaces.write([
    { path: "a/b", content: "theirs\n" },
    { path: "b", content: "ours\n" },
  ]);
  assert.deepEqual(await workspaces.merge({ base, ours, theirs }), { kind: "merged", tree });
});

test("an executable bit and lines that different sides changed are both kept", async () => {
  const trees = new RandomTrees(randomNumbers(3));
  const [one, two] = [trees.leaf(), trees.leaf()];
  const treeOf = (hash: string, mode: string) =>
    trees.edit("4b825dc642cb6eb9a060e54bf8d69288fbee4904", { write: new Map([["a", { hash, mode }]]), remove: [] });
  const base = await treeOf(one.hash, MODE.file);
  const ours = await treeOf(one.hash, MODE.executable);
  const theirs = await treeOf(two.hash, MODE.file);
  const both = await treeOf(two.hash, MODE.executable);
  await objects.write(trees.made);
  assert.deepEqual(await workspaces.merge({ base, ours, theirs }), { kind: "merged", tree: both });
});
