import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import * as z from "zod";
import { listPids, readIfThere } from "./process-view.ts";
import type { ConfinedLevel } from "./sandbox.ts";

/** An ordinary user where the tests are root, whom nobody else is; otherwise who runs the tests. */
const USER = 65_531;

const base = realpathSync(mkdtempSync(join(tmpdir(), "atos-sandbox-user-")));
after(() => rmSync(base, { recursive: true, force: true }));

const reportSchema = z.object({
  exitCode: z.int().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  limitHit: z.string().optional(),
});

/**
 * Runs shell scripts one after the other in a sandbox that an ordinary user's process opened.
 *
 * The process becomes that user only when its modules are loaded, and shows a copy of the Node binary: the checkout
 * may lie below a folder that only root can enter.
 */
async function runAsUser(
  level: ConfinedLevel,
  scripts: readonly { script: string; limits?: object }[],
): Promise<z.infer<typeof reportSchema>[]> {
  const root = join(base, level);
  const node = join(base, "node");
  mkdirSync(root, { mode: 0o700 });
  cpSync(process.execPath, node);
  chmodSync(base, 0o755);
  const becoming =
    process.getuid?.() === 0 ? `process.setgroups([]); process.setgid(${USER}); process.setuid(${USER});` : "";
  if (becoming !== "") chownSync(root, USER, USER);
  const open = { bubblewrap: `openBubblewrap("bwrap", node)`, landlock: "openLandlock(node)" };
  const program = `import { openBubblewrap } from ${JSON.stringify(join(import.meta.dirname, "bubblewrap.ts"))};
    import { openLandlock } from ${JSON.stringify(join(import.meta.dirname, "landlock.ts"))};
    process.chdir("/"); ${becoming} process.env.HOME = "/nonexistent";
    const node = ${JSON.stringify(node)};
    const sandbox = await ${level === "landlock" ? open.landlock : open.bubblewrap};
    const reports = [];
    for (const { script, limits } of ${JSON.stringify(scripts)}) {
      const request = { command: ["/bin/sh", "-c", script], root: ${JSON.stringify(root)}, limits };
      reports.push(await sandbox.run(request, new AbortController().signal));
    }
    console.log(JSON.stringify(reports));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return z.array(reportSchema).parse(JSON.parse(output));
}

const hog = `node -e 'const kept = []; setInterval(() => kept.push(Buffer.alloc(8e6, 1)), 10)'`;

test("an ordinary user's commands are confined and limited as root's are", async () => {
  const [identity, environment, escape, memory, processes, files, unreadable] = await runAsUser("bubblewrap", [
    {
      script:
        "id -u; grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status | cut -f2 | xargs; touch made; exit 7",
    },
    { script: "tr '\\0' '\\n' < /proc/1/environ; ls /proc/self/fd | wc -l" },
    { script: "cat /etc/passwd; unshare -U true; touch /dev/x /etc/x /x /usr/x" },
    { script: hog, limits: { memoryMib: 128 } },
    { script: "for i in $(seq 30); do sleep 0.1 & done; wait", limits: { processes: 16 } },
    {
      script: "for i in 1 2 3 4 5 6 7 8 9; do head -c 4000000 /dev/zero > f$i; sleep 0.05; done",
      limits: { diskMib: 8 },
    },
    {
      script:
        "mkdir -m 300 d; for i in $(seq 30); do head -c 4000000 /dev/zero > d/f$i; sleep 0.03; done; chmod 700 d; rm -r d",
      limits: { diskMib: 8 },
    },
  ]);
  assert.equal(unreadable?.limitHit, "disk");
  const none = "0000000000000000";
  assert.deepEqual([identity?.exitCode, identity?.stdout], [7, `65532\n${none} ${none} ${none} ${none} 1 2\n`]);
  assert.match(environment?.stdout ?? "", /^PATH=\/usr\/bin:\/bin\n+\d\n$/);
  assert.deepEqual([escape?.stdout, escape?.stderr.trim().split("\n").length], ["", 6]);
  assert.deepEqual([memory?.limitHit, files?.limitHit], ["memory", "disk"]);
  assert.match(processes?.stderr ?? "", /Cannot fork/i);
  assert.ok(readdirSync(join(base, "bubblewrap")).includes("made"));
});

/** Whether anybody may read the file: the launcher is started when the process is already that user. */
function isReadableByAll(path: string): boolean {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o1) === 0) return false;
  }
  return (statSync(path).mode & 0o4) !== 0;
}

test("at level landlock too, where the user is the same and its files elsewhere stay as they are", async (t) => {
  if (process.getuid?.() === 0 && !isReadableByAll(join(import.meta.dirname, "landlock-launcher.py"))) {
    t.skip("the checkout lies below a folder that only root may enter, and the launcher must be read by another user");
    return;
  }
  const outside = join(base, "outside");
  writeFileSync(outside, "do not tell", { mode: 0o644 });
  if (process.getuid?.() === 0) chownSync(outside, USER, USER);
  const before = statSync(outside);
  const parent = "$(cut -d' ' -f4 /proc/self/stat 2>/dev/null || echo $PPID)";
  const [identity, escape, memory, processes, files, background, modes] = await runAsUser("landlock", [
    { script: "id -u; touch made; exit 7" },
    {
      script: `cat /etc/passwd ${outside}; echo x > ${outside}; chmod 777 ${outside}; touch -d 2001-01-01 ${outside}; chmod 777 ..; kill -9 ${parent}; kill -9 1; echo still here`,
    },
    { script: hog, limits: { memoryMib: 128 } },
    { script: "for i in $(seq 60); do sleep 0.3 & done; wait", limits: { processes: 16 } },
    {
      script: "for i in 1 2 3 4 5 6 7 8 9; do head -c 4000000 /dev/zero > f$i; sleep 0.05; done",
      limits: { diskMib: 8 },
    },
    { script: "setsid sleep 61.7713 & sleep 0.05; echo done" },
    {
      script:
        "echo 'echo ran' > run; chmod 700 run; ./run; mkdir -p .git/a $TMPDIR/a/b; touch .git/config $TMPDIR/a/b/c; chmod 300 .git $TMPDIR/a/b; chmod 0 .git/a; cp -p run copy; stat -c %a copy",
    },
  ]);
  assert.deepEqual([modes?.stdout, modes?.stderr], ["ran\n700\n", ""]);
  assert.ok(!readdirSync(join(base, "landlock")).includes(".git"));
  assert.deepEqual(
    [identity?.exitCode, identity?.stdout],
    [7, `${process.getuid?.() === 0 ? USER : process.getuid?.()}\n`],
  );
  assert.equal(escape?.stdout, "still here\n");
  const after = statSync(outside);
  assert.deepEqual([after.mode, after.mtimeMs, after.size], [before.mode, before.mtimeMs, before.size]);
  assert.deepEqual([memory?.limitHit, files?.limitHit], ["memory", "disk"]);
  assert.match(processes?.stderr ?? "", /Cannot fork/i);
  assert.equal(background?.stdout, "done\n");
  const sleeping = listPids("/proc").filter((pid) => readIfThere(`/proc/${pid}/cmdline`)?.includes("61.7713"));
  assert.deepEqual(sleeping, []);
  assert.ok(readdirSync(join(base, "landlock")).includes("made"));
});
