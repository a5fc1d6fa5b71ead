import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { randomNumbers } from "../../test/fixtures/random-trees.ts";
import { type GitObject, objectHash, type ObjectType } from "./git-object.ts";
import { ObjectStore } from "./object-store.ts";
import { applyDelta } from "./pack-delta.ts";

const directory = fs.mkdtempSync(join(tmpdir(), "atos-objects-"));
const origin = join(directory, "origin.git");
const HOME = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1" };
const git = (repository: string, args: readonly string[], input: string | Buffer = "") =>
  execFileSync("git", args, {
    cwd: repository,
    input,
    env: HOME,
    maxBuffer: 2 ** 28,
    stdio: ["pipe", "pipe", "ignore"],
  });

/** A history whose files resemble each other, so that packs hold deltas on deltas; and a large file, and tags. */
before(() => {
  fs.mkdirSync(origin);
  git(origin, ["init", "--quiet", "--bare"]);
  const next = randomNumbers(7);
  const lines = Array.from({ length: 400 }, (_, line) => `line ${line} ${next(1000)}\n`);
  const large = Buffer.from(Array.from({ length: 300_000 }, () => next(256)));
  const stream: (string | Buffer)[] = [];
  const data = (bytes: Buffer | string) => stream.push(`data ${Buffer.byteLength(bytes)}\n`, bytes, "\n");
  for (let revision = 0; revision < 60; revision++) {
    lines[next(400)] = `changed ${revision}\n`;
    stream.push(`commit refs/heads/main\ncommitter A <a@b> ${revision} +0000\n`);
    data(`revision ${revision}\n`);
    stream.push("M 100644 inline deep/er/file\n");
    data(lines.join(""));
    stream.push(`M 100644 inline deep/name-${revision}\n`);
    data(`${revision}\n`);
    stream.push("M 100644 inline large\n");
    data(Buffer.concat([large, Buffer.from(`${revision % 3}`)]));
  }
  stream.push("tag first\nfrom refs/heads/main\ntagger A <a@b> 0 +0000\n");
  data("a tag\n");
  git(origin, ["fast-import", "--quiet"], Buffer.concat(stream.map((part) => Buffer.from(part))));
});
after(() => fs.rmSync(directory, { recursive: true }));

/** A copy of the origin, packed in one of the ways git can. */
function copy(name: string, pack: (repository: string) => void): string {
  const repository = join(directory, name);
  fs.cpSync(origin, repository, { recursive: true });
  pack(repository);
  return repository;
}

const TYPES: readonly ObjectType[] = ["commit", "tree", "blob", "tag"];

/** Every object there is, as git reads it. */
function allObjects(repository: string): Map<string, GitObject> {
  const objects = new Map<string, GitObject>();
  const out = git(repository, ["cat-file", "--batch-all-objects", "--batch"]);
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf("\n", at);
    const [hash = "", name, size] = out.toString("latin1", at, end).split(" ");
    const type = TYPES.find((known) => known === name) ?? assert.fail(name);
    objects.set(hash, { type, bytes: out.subarray(end + 1, end + 1 + Number(size)) });
    at = end + 2 + Number(size);
  }
  return objects;
}

const repack = (...settings: string[]) => [
  ...settings.flatMap((setting) => ["-c", setting]),
  "repack",
  "-adfq",
  "--depth=30",
  "--window=20",
];
const WAYS: readonly (readonly [string, (repository: string) => void])[] = [
  ["by offsets", (repository) => git(repository, repack("repack.useDeltaBaseOffset=true"))],
  ["by hashes", (repository) => git(repository, repack("repack.useDeltaBaseOffset=false"))],
  ["in small packs", (repository) => git(repository, repack("pack.packSizeLimit=1m"))],
  ["uncompressed", (repository) => git(repository, repack("pack.compression=0"))],
  [
    "with long offsets",
    (repository) => {
      git(repository, repack("repack.useDeltaBaseOffset=true"));
      const folder = join(repository, "objects/pack");
      for (const name of fs.readdirSync(folder)) if (!name.endsWith(".pack")) fs.rmSync(join(folder, name));
      const pack = fs.readdirSync(folder)[0] ?? "";
      git(repository, ["index-pack", "--index-version=2,0x40", join(folder, pack)]);
    },
  ],
  [
    "as files of their own",
    (repository) => {
      const folder = join(repository, "objects/pack");
      const packs = fs.readdirSync(folder).filter((name) => name.endsWith(".pack"));
      for (const name of packs) fs.renameSync(join(folder, name), join(directory, name));
      for (const name of fs.readdirSync(folder)) fs.rmSync(join(folder, name));
      for (const name of packs) git(repository, ["unpack-objects", "-q"], fs.readFileSync(join(directory, name)));
    },
  ],
];

for (const [way, pack] of WAYS)
  test(`every object is read as git reads it: ${way}`, async () => {
    const repository = copy(way.replaceAll(" ", "-"), pack);
    const all = allObjects(repository);
    assert.ok(all.size > 240);
    const store = new ObjectStore(repository);
    for (const [hash, { type, bytes }] of all) {
      assert.ok((await store.read(hash, type)).equals(bytes), `${type} ${hash}`);
      assert.equal(store.has(hash), true);
    }
  });

test("packs made and taken away while the store is open are noticed", async () => {
  const repository = copy("moving", (made) => void git(made, repack("pack.packSizeLimit=1m")));
  const store = new ObjectStore(repository);
  const all = [...allObjects(repository)];
  const readAll = async () => {
    for (const [hash, { type, bytes }] of all) assert.ok((await store.read(hash, type)).equals(bytes));
  };
  await readAll();
  git(repository, repack());
  await readAll();
  const blob = git(repository, ["hash-object", "-w", "--stdin"], "new").toString().trim();
  assert.equal((await store.read(blob, "blob")).toString(), "new");
  git(repository, ["pack-objects", "-q", join(repository, "objects/pack/pack")], `${blob}\n`);
  fs.rmSync(join(repository, "objects", blob.slice(0, 2)), { recursive: true });
  assert.equal((await store.read(blob, "blob")).toString(), "new");
});

test("an object that is missing, damaged or of another type is an error that names it", async () => {
  const repository = copy("damaged", (made) => void git(made, repack()));
  const store = new ObjectStore(repository);
  const commit = git(repository, ["rev-parse", "refs/heads/main"]).toString().trim();
  const blob = git(repository, ["rev-parse", "refs/heads/main:large"]).toString().trim();
  const refused = (hash: string, type: ObjectType, words: RegExp) =>
    assert.rejects(store.read(hash, type), { code: "journal/bad-snapshot", message: words });
  await refused("0".repeat(40), "blob", /^The file 0{40} of a snapshot is missing or damaged/);
  await refused(commit, "tree", new RegExp(`^The tree ${commit} of a snapshot is missing or damaged`));
  await refused("../../HEAD", "blob", /^The file \.\.\/\.\.\/HEAD of a snapshot/);
  const folder = join(repository, "objects/pack");
  const pack = join(folder, fs.readdirSync(folder).find((name) => name.endsWith(".pack")) ?? "");
  const bytes = fs.readFileSync(pack);
  fs.chmodSync(pack, 0o600);
  // The large file is most of the pack: its middle is hit.
  const middle = Math.floor(bytes.length / 2);
  fs.writeFileSync(pack, bytes.fill(0, middle, middle + 1000));
  await refused(blob, "blob", new RegExp(`^The file ${blob} of a snapshot is missing or damaged`));
  fs.writeFileSync(pack, bytes.subarray(0, 100));
  await refused(blob, "blob", new RegExp(`^The file ${blob} of a snapshot is missing or damaged`));
});

test("what two write at once is written once, and there for both", async () => {
  const repository = copy("twice", () => {});
  const store = new ObjectStore(repository);
  const objects = (count: number) =>
    new Map(
      Array.from({ length: count }, (_, number): [string, GitObject] => {
        const bytes = Buffer.from(`object ${number}`);
        return [objectHash("blob", bytes), { type: "blob", bytes }];
      }),
    );
  await Promise.all([
    store.write(objects(10)),
    store.write(objects(20)),
    store.write(objects(200)),
    store.write(objects(15)),
  ]);
  const fresh = new ObjectStore(repository);
  for (const [hash, { bytes }] of objects(200)) assert.ok((await fresh.read(hash, "blob")).equals(bytes));
  git(repository, ["fsck", "--strict"]);
});

test("a delta that does not fit, ends too early or makes too much is told from one that does", () => {
  const base = Buffer.from("one two");
  const insert = (text: string) => [text.length, ...Buffer.from(text)];
  const apply = (delta: number[], most = 100) => applyDelta(base, Buffer.from(delta), most)?.toString();
  assert.equal(apply([7, 7, 0b1001_0001, 4, 3, ...insert(" one")]), "two one");
  assert.equal(apply([7, 7, 0b1001_0001, 4, 3, ...insert(" one")], 6), undefined);
  assert.equal(apply([6, 7, 0b1001_0001, 4, 3, ...insert(" one")]), undefined);
  assert.equal(apply([7, 8, 0b1001_0001, 4, 3, ...insert(" one")]), undefined);
  assert.equal(apply([7, 7, 0b1001_0001, 5, 3, ...insert(" one")]), undefined);
  assert.equal(apply([7, 4, 4, 111]), undefined);
  assert.equal(apply([7, 7, 0]), undefined);
});
