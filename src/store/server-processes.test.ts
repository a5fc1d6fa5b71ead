import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { postgresEnvironment, postgresLaunch } from "./postgres-launch.ts";
import { endServer, serverProcesses } from "./server-processes.ts";

// One cluster for all: every test is about processes.
let root: string;
let dataDirectory: string;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "atos-processes-"));
  dataDirectory = path.join(root, "postgres");
});
afterEach(async () => await endServer(dataDirectory, 0));
after(async () => await rm(root, { recursive: true, maxRetries: 3 }));

const start = async (directory = root) =>
  await startEmbeddedPostgres({ dataDirectory: path.join(directory, "postgres"), socketDirectory: directory });

/** A program that starts a server in its first argument, says so, and waits to be killed. */
const SUPERVISOR = `
  import { startEmbeddedPostgres } from "${new URL("./embedded-postgres.ts", import.meta.url).href}";
  const [, directory] = process.argv;
  const server = await startEmbeddedPostgres({ dataDirectory: directory + "/postgres", socketDirectory: directory });
  console.log(server.pid);
`;

type RunOptions = { readonly directory?: string; readonly path?: string };

function run(program: string, prefix: readonly string[], options: RunOptions = {}): ChildProcess {
  const node = [process.execPath, "--input-type=module", "-e", program, options.directory ?? root];
  const [first, ...rest] = [...prefix, ...node];
  const env = { ...process.env, ...(options.path !== undefined && { PATH: options.path }) };
  return spawn(first ?? process.execPath, rest, { stdio: ["ignore", "pipe", "inherit"], env });
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert(child.stdout);
  for await (const line of createInterface(child.stdout)) return line;
  throw new Error("the child said nothing");
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function within(ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < ms; waited += 20) {
    if (await condition()) return;
    await sleep(20);
  }
  assert.fail(`not within ${ms} ms`);
}

test("a killed parent's server ends by itself where the platform can, and another can start in any case", async () => {
  const supervisor = run(SUPERVISOR, []);
  await firstLine(supervisor);
  await kill(supervisor);
  if ((await postgresLaunch()).includes("--pdeathsig")) {
    await within(10_000, () => serverProcesses(dataDirectory).length === 0);
  }
  await (await start()).stop();
});

test("a server that a killed parent left running is shut down before a new one starts", async () => {
  // A PATH without setpriv stands for a platform that can't end a child with its parent.
  const bin = path.join(root, "bin");
  await mkdir(bin);
  for (const name of ["unshare", "true"]) await symlink(`/usr/bin/${name}`, path.join(bin, name));
  const supervisor = run(SUPERVISOR, [], { path: bin });
  const left = Number(await firstLine(supervisor));
  await kill(supervisor);
  await sleep(200);
  assert(serverProcesses(dataDirectory).some(({ pid }) => pid === left));
  await using server = await start();
  const alive = serverProcesses(dataDirectory).filter(({ supervisorPid }) => supervisorPid !== undefined);
  assert.deepEqual(
    alive.map(({ pid }) => pid),
    [server.pid],
  );
  assert.match(await readFile(`${dataDirectory}.log`, "utf8"), /received fast shutdown request/);
});

test("a stopped server that a killed parent left behind is killed when its grace is over", async () => {
  const server = await start();
  process.kill(server.pid, "SIGSTOP");
  await endServer(dataDirectory, 100);
  assert.deepEqual(await server.exited, { code: null });
  assert.deepEqual(serverProcesses(dataDirectory), []);
});

test("a server whose parent lives is not taken away from it", async () => {
  const supervisor = run(SUPERVISOR, []);
  const pid = Number(await firstLine(supervisor));
  try {
    await assert.rejects(start(), { code: "store/server-in-use", message: new RegExp(`Process ${supervisor.pid} `) });
    assert(serverProcesses(dataDirectory).some((found) => found.pid === pid));
  } finally {
    await kill(supervisor);
  }
});

test("a server that ATOS didn't start is left alone and named", async () => {
  await (await start()).stop();
  const { postgres } = await postgresBinaries();
  const [command, ...args] = [...(await postgresLaunch()), postgres, "-D", dataDirectory, "-k", root];
  const foreign = spawn(command ?? postgres, [...args, "-c", "listen_addresses="], {
    stdio: "ignore",
    env: postgresEnvironment(),
  });
  try {
    const pidFile = path.join(dataDirectory, "postmaster.pid");
    await within(10_000, async () => (await readFile(pidFile, "utf8").catch(() => "")).includes("ready"));
    await assert.rejects(start(), {
      code: "store/data-directory-in-use",
      message: new RegExp(`Process ${foreign.pid}, `),
    });
    assert.equal(foreign.exitCode, null);
  } finally {
    foreign.kill("SIGINT");
    await once(foreign, "exit");
  }
});

test("a kill while the cluster is made leaves nothing half-made in its place", async () => {
  const fresh = path.join(root, "fresh");
  await mkdir(fresh);
  const supervisor = run(SUPERVISOR, [], { directory: fresh });
  await within(20_000, async () => (await readdir(fresh)).some((name) => name.startsWith("postgres.new-")));
  await kill(supervisor);
  assert(!(await readdir(fresh)).includes("postgres"));
  await (await start(fresh)).stop();
  assert.deepEqual((await readdir(fresh)).toSorted(), ["postgres", "postgres.log"]);
});

const onLinux = { skip: process.platform !== "linux" && "user namespaces are Linux's" };

/** Runs a command as root of a user namespace of its own, whoever runs these tests. */
const AS_ROOT = ["unshare", "--user", "--map-root-user", "--mount"];

test("root runs it too, in a folder that only root may enter", onLinux, async () => {
  const home = path.join(root, "home");
  await mkdir(home, { mode: 0o700 });
  const program = `
    ${SUPERVISOR}
    import { statSync } from "node:fs";
    const { uid, mode } = statSync(directory);
    console.log(JSON.stringify([process.getuid(), uid, mode & 0o777]));
    await server.stop();
  `;
  const child = run(program.replace("console.log(server.pid);", ""), AS_ROOT, { directory: home });
  const ended = once(child, "exit");
  assert.deepEqual(JSON.parse(await firstLine(child)), [0, 0, 0o700]);
  assert.deepEqual(await ended, [0, null]);
});

test("a full disk is named, and the server starts again when there is room", onLinux, async () => {
  const program = `
    import { execFileSync } from "node:child_process";
    import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
    import { startEmbeddedPostgres } from "${new URL("./embedded-postgres.ts", import.meta.url).href}";
    const [, parent] = process.argv;
    const start = (directory) => startEmbeddedPostgres({ dataDirectory: directory + "/postgres", socketDirectory: directory });
    const mount = (name, size) => {
      mkdirSync(parent + name);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=" + size, "none", parent + name]);
      return parent + name;
    };
    const code = (error) => [error.code, error.exitCode];
    const small = await start(mount("/small", "32m")).catch(code);
    const large = mount("/large", "200m");
    await (await start(large)).stop();
    const disk = statfsSync(large);
    try { writeFileSync(large + "/filler", Buffer.alloc(disk.bavail * disk.bsize)); } catch {}
    const full = await start(large).catch(code);
    rmSync(large + "/filler");
    const again = await start(large);
    await again.stop();
    console.log(JSON.stringify([small, full]));
  `;
  const child = run(program, AS_ROOT);
  const line = await firstLine(child);
  assert.deepEqual(JSON.parse(line), [
    ["store/disk-full", 3],
    ["store/disk-full", 3],
  ]);
});
