import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { DiskWatch } from "./disk-watch.ts";
import { openDiskWatch } from "./disk-watch.ts";
import type { ProcessView } from "./process-view.ts";

const MIB = 1024 * 1024;

/** Asks until the watch has walked again: other tests that delete files may put it off. */
async function growth(watch: DiskWatch, view?: ProcessView): Promise<number> {
  for (let poll = 0; poll < 100; poll++) {
    const grown = await watch.growthMib(view);
    if (grown > 0) return grown;
    await sleep(20);
  }
  return 0;
}

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "atos-disk-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("what was there before does not count, what came since does, and it goes down again", async () => {
  writeFileSync(join(root, "before"), Buffer.alloc(8 * MIB, 1));
  const watch = await openDiskWatch([root], 2);
  assert.equal(await watch.growthMib(undefined), 0);
  mkdirSync(join(root, "sub"));
  writeFileSync(join(root, "sub", "after"), Buffer.alloc(4 * MIB, 1));
  const grown = await growth(watch);
  assert.ok(grown > 3.9 && grown < 4.2, String(grown));
});

test("a file that is deleted but still open counts", async () => {
  const watch = await openDiskWatch([root], 2);
  const descriptor = openSync(join(root, "hidden"), "w");
  try {
    writeSync(descriptor, Buffer.alloc(4 * MIB, 1));
    unlinkSync(join(root, "hidden"));
    const grown = await growth(watch, { procDir: "/proc", pids: [process.pid], memoryMounts: [] });
    assert.ok(grown > 3.9 && grown < 4.2, String(grown));
  } finally {
    closeSync(descriptor);
  }
});

test("files in flight between two sockets, which no process has open, count", async () => {
  const program = `import os, socket, sys
one, two = socket.socketpair()
for _ in range(16):
    held = os.open("gone", os.O_CREAT | os.O_WRONLY)
    os.write(held, b"x" * (4 << 20))
    os.unlink("gone")
    socket.send_fds(one, [b"x"], [held])
    os.close(held)
print("held", flush=True)
sys.stdin.read()`;
  const watch = await openDiskWatch([root], 2);
  const holder = spawn("/usr/bin/python3", ["-c", program], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(holder, "exit");
  try {
    await once(holder.stdout, "data");
    // What others on this machine give back meanwhile is missing from it.
    assert.ok((await growth(watch, { procDir: "/proc", pids: [holder.pid ?? 0], memoryMounts: [] })) > 2);
  } finally {
    holder.stdin.end();
    await ended;
  }
});

test("a file whose name is no text counts", async () => {
  const watch = await openDiskWatch([root], 2);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), Buffer.alloc(4 * MIB, 1));
  assert.ok((await growth(watch)) > 3.9);
});
