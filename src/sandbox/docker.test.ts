import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { SANDBOX_ID } from "./bubblewrap-arguments.ts";
import { openDocker } from "./docker.ts";
import { dockerArguments } from "./docker-arguments.ts";
import { fullLimits } from "./full-limits.ts";

/*
 * There is no Docker engine where ATOS is developed. A small program stands in its place: it writes down what it is
 * told, and runs the command in the folder that was to be mounted. What an engine makes of the arguments is not tested.
 */
const FAKE = `#!${process.execPath}
const fs = require("node:fs"), { spawnSync } = require("node:child_process");
const args = process.argv.slice(2), folder = __dirname;
fs.appendFileSync(folder + "/calls", JSON.stringify(args) + "\\n");
if (fs.existsSync(folder + "/down")) { console.error("docker: Cannot connect to the Docker daemon."); process.exit(125); }
if (args[0] === "rm") process.exit(0);
if (args.at(-1).startsWith("command -v node")) { console.log("/usr/local/bin/node\\n/usr/bin/python3"); console.error("/usr/bin/timeout"); process.exit(0); }
const cwd = args.find((arg) => arg.startsWith("type=bind,source=") && arg.endsWith("target=/workspace")).split(",")[1].slice(7);
const at = args.indexOf("timeout");
const ended = spawnSync(args[at + 4], args.slice(at + 5), { cwd, stdio: "inherit" });
process.exit(ended.status ?? 137);
`;

const base = realpathSync(mkdtempSync(join(tmpdir(), "atos-docker-test-")));
const docker = join(base, "docker");
const root = join(base, "workspace");
const never = new AbortController().signal;
writeFileSync(docker, FAKE);
chmodSync(docker, 0o755);
chmodSync(base, 0o755);
mkdirSync(root);
after(() => rmSync(base, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(join(base, "calls"), { force: true });
  rmSync(join(base, "down"), { force: true });
});
const calls = (): string[][] =>
  readFileSync(join(base, "calls"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

test("the arguments take everything away that a command has no need of", () => {
  const limits = fullLimits();
  const hidden = [
    { name: ".git", kind: "file" },
    { name: ".atos", kind: "folder" },
  ] as const;
  const plan = {
    image: "an-image",
    name: "atos-1",
    root: '/a,"b',
    user: 1000,
    hidden,
    readOnly: [{ source: "/deps", target: "/opt/deps" }],
    env: { A: "b" },
    limits,
    command: ["true", "x"],
  } as const;
  const lines = dockerArguments(plan)
    .join(" ")
    .split(/ (?=--|an-image)/);
  assert.deepEqual(lines, [
    "run",
    "--rm",
    "--init",
    "--name atos-1",
    "--pull never",
    "--entrypoint ",
    "--network none",
    "--read-only",
    "--cap-drop ALL",
    "--security-opt no-new-privileges",
    "--user 1000:1000",
    "--pids-limit 128",
    "--memory 1024m",
    "--memory-swap 1024m",
    "--ulimit cpu=60:61",
    "--ulimit fsize=67108864",
    "--ulimit nofile=1024",
    "--ulimit core=0",
    "--tmpfs /tmp:rw,exec,nosuid,nodev,mode=1777,size=64m",
    "--tmpfs /dev/shm:rw,exec,nosuid,nodev,mode=1777,size=64m",
    '--mount type=bind,"source=/a,""b",target=/workspace',
    "--mount type=bind,source=/dev/null,target=/workspace/.git,readonly",
    "--mount type=tmpfs,target=/workspace/.atos,tmpfs-mode=0555,tmpfs-size=4096,readonly",
    "--mount type=bind,source=/deps,target=/opt/deps,readonly",
    "--workdir /workspace",
    "--env PATH=/usr/local/bin:/usr/bin:/bin",
    "--env HOME=/tmp",
    "--env LANG=C.UTF-8",
    "--env TMPDIR=/tmp",
    "--env PYTHONDONTWRITEBYTECODE=1",
    "--env A=b",
    "an-image timeout -s KILL 65 true x",
  ]);
});

test("opens after one try, runs a command as the workspace's user and leaves no mount point", async () => {
  const sandbox = await openDocker(docker, "an-image");
  assert.deepEqual(
    [sandbox.level, sandbox.nodePath, sandbox.pythonPath],
    ["docker", "/usr/local/bin/node", "/usr/bin/python3"],
  );
  const { durationMs, ...report } = await sandbox.run(
    { command: ["/bin/sh", "-c", "echo said; touch made; exit 4"], root },
    never,
  );
  assert.ok(durationMs > 0);
  assert.deepEqual(report, { level: "docker", exitCode: 4, stdout: "said\n", stderr: "" });
  assert.deepEqual(readdirSync(root), ["made"]);
  const user = process.getuid?.() || SANDBOX_ID;
  assert.ok(calls().at(-1)?.includes(`${user}:${user}`));
});

test("a limit and an abort end the client and remove the container by its name", async () => {
  const sandbox = await openDocker(docker, "an-image");
  const report = await sandbox.run({ command: ["sleep", "30"], root, limits: { wallMs: 300 } }, never);
  assert.deepEqual([report.exitCode, report.limitHit], [null, "wall"]);
  const [started, removed] = calls().slice(-2);
  assert.deepEqual(removed, ["rm", "--force", started?.[started.indexOf("--name") + 1]]);
  await assert.rejects(sandbox.run({ command: ["sleep", "30"], root }, AbortSignal.timeout(200)), {
    name: "TimeoutError",
  });
  assert.equal(calls().at(-1)?.[0], "rm");
});

test("an engine that does not run is said to be missing, and one that stops is an error of the call", async () => {
  const sandbox = await openDocker(docker, "an-image");
  writeFileSync(join(base, "down"), "");
  await assert.rejects(openDocker(docker, "an-image"), {
    code: "sandbox/none",
    message: /Cannot connect.*docker pull an-image/s,
  });
  await assert.rejects(sandbox.run({ command: ["true"], root }, never), {
    code: "sandbox/start",
    message: /Cannot connect/,
  });
  await assert.rejects(sandbox.run({ command: ["true"], root, network: { allow: [] } }, never), {
    code: "sandbox/no-network",
  });
});
