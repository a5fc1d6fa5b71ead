import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { setTimeout } from "node:timers/promises";
import { isAlive } from "./fixtures/atos.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

test("the packed package, installed in an empty folder, does the main job", async () => {
  const root = mkdtempSync(join(tmpdir(), "atos-package-"));
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
    HOME: root,
    ATOS_HOME: join(root, "home"),
    ATOS_WORKER_IDLE_SECONDS: "1",
  };
  const npm = (args: readonly string[], cwd: string): string =>
    execFileSync("npm", [...args, "--loglevel=error"], {
      cwd,
      env: { ...env, HOME: process.env["HOME"] ?? root },
      encoding: "utf8",
    });
  try {
    const [packed]: { filename: string }[] = JSON.parse(
      npm(["pack", "--json", "--pack-destination", root], REPOSITORY),
    );
    // The GPU builds of llama.cpp are 700 MB and not needed here; docs/models.md shows the same lines.
    const { overrides }: { overrides: unknown } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
    writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, overrides }));
    npm(["install", "--no-audit", "--no-fund", join(root, packed?.filename ?? "")], root);

    const atos = join(root, "node_modules", ".bin", "atos");
    const run = (...args: readonly string[]) => spawnSync(atos, args, { cwd: root, env, encoding: "utf8" });
    assert.match(run("--version").stdout, /^\d+\.\d+\.\d+\n$/);
    const built = run(
      "build",
      "Write a TypeScript function isEven that checks whether a number is even, with tests",
      "--out",
      "demo",
    );
    assert.equal(built.status, 0, `${built.stdout}${built.stderr}`);
    const verified = run("receipt", "verify", "demo");
    assert.equal(verified.status, 0, `${verified.stdout}${verified.stderr}`);
    await workerEnd(join(root, "home", "worker.json"));
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** The worker goes when it is idle; its folder must not go before. */
async function workerEnd(file: string): Promise<void> {
  for (let i = 0; i < 300; i++) {
    try {
      const { pid }: { pid: number } = JSON.parse(readFileSync(file, "utf8"));
      if (!isAlive(pid)) return;
    } catch {
      return;
    }
    await setTimeout(100);
  }
}
