import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { parseCpuMax, parseGroups, usableProcessors } from "./cpu-quota.ts";
import { threadCount } from "./thread-count.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-quota-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** A root of a file system with these files. */
function system(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(directory, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test("reads quotas as processors", () => {
  assert.deepEqual(["max 100000\n", "150000 100000\n", "-1 100000", "", "50000 100000", "0 100000"].map(parseCpuMax), [
    undefined,
    1.5,
    undefined,
    undefined,
    0.5,
    undefined,
  ]);
});

test("reads a process's groups of either version", () => {
  assert.deepEqual(parseGroups("0::/user.slice/app\n"), { unified: "/user.slice/app", cpu: "/" });
  assert.deepEqual(parseGroups("5:cpu,cpuacct:/docker/1\n4:cpuset:/x\n0::/\n"), { unified: "/", cpu: "/docker/1" });
  assert.deepEqual(parseGroups(""), { unified: "/", cpu: "/" });
});

test("grants no more than the tightest group above the process", async () => {
  const unified = system("unified", {
    "proc/self/cgroup": "0::/user.slice/app\n",
    "sys/fs/cgroup/user.slice/app/cpu.max": "max 100000\n",
    "sys/fs/cgroup/user.slice/cpu.max": "100000 100000\n",
  });
  assert.equal(await usableProcessors(unified), 1);
  const legacy = system("legacy", {
    "proc/self/cgroup": "3:cpu,cpuacct:/docker/1\n",
    "sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us": "30000\n",
    "sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us": "100000\n",
  });
  assert.equal(await usableProcessors(legacy), 1);
});

test("grants all processors where nothing limits them", async () => {
  assert.equal(
    await usableProcessors(system("free", { "sys/fs/cgroup/cpu.max": "max 100000\n" })),
    availableParallelism(),
  );
  assert.equal(await usableProcessors(join(directory, "nothing")), availableParallelism());
});

test("computes a tiny model with one thread, whatever there is", async () => {
  const root = system("tiny", { "model.gguf": "small" });
  assert.equal(await threadCount(join(root, "model.gguf"), 8), 1);
});
