import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nameProblem } from "./workspace-name.ts";

/** Separated by bars. */
const NAMES = (
  ".git|.GIT|.Git|git~1|GIT~1|.git |.git.|.git. .|.git::$INDEX_ALLOCATION|.g\u200cit|\ufeff.git|.gi\u202at|" +
  ".git\\hooks|a\\.git|a\\git~1|..git\\.git|\\.git|.gitignore|.github|git|git~2|a.git|.git-x|. git|..git|" +
  ".gitmodules|.gitmodules.|.GitModules:x|GITMOD~1|gitmod~4|GI7EBA~1|gi7eb~10|ordinary|back\\slash|a:b|é|\u200c|" +
  "new\nline|tab\t| 'quoted' |-rf|*|$(x)"
).split("|");

test("what is let through, git lets through as well, on any file system", async () => {
  const repository = await mkdtemp(join(tmpdir(), "atos-names-"));
  const blob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
  const settings = ["-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"];
  const git = (...args: string[]) => spawnSync("git", [...settings, ...args], { cwd: repository }).status;
  try {
    assert.equal(git("init", "--quiet", "--bare"), 0);
    const wrong: string[] = [];
    for (const [kind, mode] of [
      ["file", "100644"],
      ["link", "120000"],
    ] as const)
      for (const name of NAMES) {
        const refusedByGit = git("update-index", "--add", "--cacheinfo", `${mode},${blob},sub/${name}`) !== 0;
        if (refusedByGit && nameProblem(name, kind) === undefined) wrong.push(`${kind} ${JSON.stringify(name)}`);
      }
    assert.deepEqual(wrong, []);
  } finally {
    await rm(repository, { recursive: true });
  }
});

test("ordinary names are let through", () => {
  const names = [".gitignore", ".github", "git", "a.git", "back\\slash", "a:b", "é", "new\nline", "-rf", "con"];
  assert.deepEqual(
    names.filter((name) => nameProblem(name, "file") ?? nameProblem(name, "folder") ?? nameProblem(name, "link")),
    [],
  );
});
