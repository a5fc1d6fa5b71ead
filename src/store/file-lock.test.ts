import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { takeFileLock } from "./file-lock.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-lock-"));
after(() => rmSync(directory, { recursive: true, force: true }));

test("a lock is held once, and free again when it is given back", () => {
  const path = join(directory, "one");
  const first = takeFileLock(path);
  assert.ok(first);
  assert.equal(takeFileLock(path), undefined);
  first[Symbol.dispose]();
  const second = takeFileLock(path);
  assert.ok(second);
  second[Symbol.dispose]();
});

test("a lock goes with the process that held it, also after kill -9", async () => {
  const path = join(directory, "two");
  const script = `
    import { takeFileLock } from ${JSON.stringify(new URL("file-lock.ts", import.meta.url).href)};
    globalThis.lock = takeFileLock(${JSON.stringify(path)});
    console.log(globalThis.lock !== undefined);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(child.stdout, "data");
  assert.equal(String(said).trim(), "true");
  assert.equal(takeFileLock(path), undefined);
  child.kill("SIGKILL");
  await once(child, "exit");
  const lock = takeFileLock(path);
  assert.ok(lock);
  lock[Symbol.dispose]();
});
