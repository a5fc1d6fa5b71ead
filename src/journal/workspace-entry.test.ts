import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isUntouched, stampOf } from "./workspace-entry.ts";
import { fateOf } from "./workspace-restore.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-entry-"));
const path = join(directory, "file");
writeFileSync(path, "one");
const stats = lstatSync(path);
const LATER_MS = 10_000;
after(() => rmSync(directory, { recursive: true }));

test("a file that was old when it was read is known by its stamp", () => {
  assert.equal(isUntouched(stampOf(stats, stats.ctimeMs + LATER_MS), stats), true);
});

test("a file read within the tick in which it was changed is never taken for unchanged", () => {
  assert.equal(isUntouched(stampOf(stats, stats.ctimeMs), stats), false);
  assert.equal(isUntouched(stampOf(stats, stats.ctimeMs - LATER_MS), stats), false);
});

test("where times have no fractions, a tick is two seconds", () => {
  const coarse = Object.assign(lstatSync(path), { ctimeMs: 1_700_000_000_000 });
  assert.equal(stampOf(coarse, coarse.ctimeMs + 1999).settled, false);
  assert.equal(stampOf(coarse, coarse.ctimeMs + 2001).settled, true);
});

test("a time of modification that was set back hides nothing", () => {
  const stamp = stampOf(stats, stats.ctimeMs + LATER_MS);
  writeFileSync(path, "two");
  utimesSync(path, stats.atimeMs / 1000, stats.mtimeMs / 1000);
  assert.equal(isUntouched(stamp, lstatSync(path)), false);
});

test("what is of another kind, has several names or another mode is replaced, never written to", () => {
  const is = (kind: "file" | "folder" | "link", rest: { mode?: number; nlink?: number; size?: number } = {}) => ({
    isFile: () => kind === "file",
    isDirectory: () => kind === "folder",
    isSymbolicLink: () => kind === "link",
    mode: 0o644,
    nlink: 1,
    size: 3,
    ...rest,
  });
  const file = { kind: "file", hash: "", executable: false } as const;
  const link = { kind: "link", hash: "", executable: false } as const;
  const folder = { kind: "folder", entries: new Map() } as const;
  assert.equal(fateOf(is("file"), undefined), "remove");
  assert.equal(fateOf(is("file"), file), "compare");
  assert.equal(fateOf(is("file"), { ...file, executable: true }), "remove");
  assert.equal(fateOf(is("file", { mode: 0o755 }), { ...file, executable: true }), "compare");
  assert.equal(fateOf(is("file", { mode: 0o4644 }), file), "remove");
  assert.equal(fateOf(is("file", { mode: 0o444 }), file), "remove");
  assert.equal(fateOf(is("file", { nlink: 2 }), file), "remove");
  assert.equal(fateOf(is("file", { size: 2 ** 40 }), file), "remove");
  assert.equal(fateOf(is("link"), link), "compare");
  assert.equal(fateOf(is("link"), folder), "remove");
  assert.equal(fateOf(is("folder"), link), "remove");
  assert.equal(fateOf(is("folder"), folder), "enter");
});
