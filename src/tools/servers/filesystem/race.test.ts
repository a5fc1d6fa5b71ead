import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ToolFailure } from "../tool-failure.ts";
import { deleteInside } from "./delete-inside.ts";
import { moveInside } from "./move-inside.ts";
import { readInside } from "./read-inside.ts";
import { writeInside } from "./write-inside.ts";

/** Each tries a read and a write, and some try more. */
const ROUNDS = 5000;
/** Exchanges two entries in one step of the system, again and again, until its standard input ends. */
const SWAPPER = `
import ctypes, os, sys, threading
libc = ctypes.CDLL(None)
def wait():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=wait, daemon=True).start()
print("ready", flush=True)
while True:
    for _ in range(1000):
        libc.renameat2(-100, b"d", -100, b"l", 2)
`;
const isLinux = process.platform === "linux";
const base = mkdtempSync(join(tmpdir(), "atos-race-"));
after(() => rmSync(base, { recursive: true, force: true }));

test("while a folder and a link out are swapped as fast as can be, 10,000 reads and writes touch nothing outside", {
  skip: isLinux ? false : "the exchange of two entries is a call of Linux",
}, async () => {
  const [root, outside] = [join(base, "w"), join(base, "outside")];
  for (const folder of [join(root, "d"), outside]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(root, "d/note"), "inside");
  writeFileSync(join(outside, "note"), "OUTSIDE");
  symlinkSync(outside, join(root, "l"));
  const swapper = spawn("/usr/bin/python3", ["-I", "-c", SWAPPER], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  await once(swapper.stdout, "data");
  const count = { done: 0, refused: 0, outside: 0 };
  const attempt = (work: () => unknown) => {
    try {
      if (String(work()) === "OUTSIDE") count.outside++;
      count.done++;
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
      count.refused++;
    }
  };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      attempt(() => readInside(root, "d/note"));
      attempt(() => writeInside(root, "d/planted", "x"));
      attempt(() => moveInside(root, "d/planted", `d/moved-${round % 3}`));
      attempt(() => deleteInside(root, "d/moved-0", { recursive: true }));
      attempt(() => writeInside(root, "d/new/planted", "x"));
      attempt(() => deleteInside(root, "d/new", { recursive: true }));
      if (existsSync(join(outside, "planted"))) count.outside++;
    }
  } finally {
    swapper.stdin.end();
    await once(swapper, "exit");
  }
  assert.deepEqual(readdirSync(outside), ["note"]);
  assert.equal(count.outside, 0);
  // Both names were met, or nothing was tried.
  assert.ok(count.done > ROUNDS / 10 && count.refused > ROUNDS / 10, JSON.stringify(count));
});
