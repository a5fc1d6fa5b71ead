import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import * as z from "zod";

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
  scripts: readonly { script: string; limits?: object }[],
): Promise<z.infer<typeof reportSchema>[]> {
  const root = join(base, "workspace");
  const node = join(base, "node");
  mkdirSync(root, { mode: 0o700 });
  cpSync(process.execPath, node);
  chmodSync(base, 0o755);
  const becoming =
    process.getuid?.() === 0 ? `process.setgroups([]); process.setgid(${USER}); process.setuid(${USER});` : "";
  if (becoming !== "") chownSync(root, USER, USER);
  const program = `import { openBubblewrap } from ${JSON.stringify(join(import.meta.dirname, "bubblewrap.ts"))};
    process.chdir("/"); ${becoming} process.env.HOME = "/nonexistent";
    const sandbox = await openBubblewrap("bwrap", ${JSON.stringify(node)});
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

test("an ordinary user's commands are confined and limited as root's are", async () => {
  const hog = `node -e 'const kept = []; setInterval(() => kept.push(Buffer.alloc(8e6, 1)), 10)'`;
  const [identity, environment, escape, memory, processes, files] = await runAsUser([
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
  ]);
  const none = "0000000000000000";
  assert.deepEqual([identity?.exitCode, identity?.stdout], [7, `65532\n${none} ${none} ${none} ${none} 1 2\n`]);
  assert.match(environment?.stdout ?? "", /^PATH=\/usr\/bin:\/bin\n+\d\n$/);
  assert.deepEqual([escape?.stdout, escape?.stderr.trim().split("\n").length], ["", 6]);
  assert.deepEqual([memory?.limitHit, files?.limitHit], ["memory", "disk"]);
  assert.match(processes?.stderr ?? "", /Cannot fork/i);
  assert.ok(readdirSync(join(base, "workspace")).includes("made"));
});
