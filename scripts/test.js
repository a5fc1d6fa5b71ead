// Runs every test. With --full the long forms too: see docs/testing.md.
// What the tests need of the system (bubblewrap, git, python3) is installed first where that can be done.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const full = process.argv.includes("--full");
const chosen = process.argv.slice(2).filter((argument) => argument !== "--full");

const doctor = spawnSync(process.execPath, ["bin/atos.js", "doctor", "--fix", "--yes"], {
  cwd: root,
  encoding: "utf8",
  env: { ...process.env, ATOS_HOME: `${root}/.atos-home` },
});
if (doctor.status !== 0) {
  process.stdout.write(`${doctor.stdout}${doctor.stderr}`);
  process.exit(doctor.status ?? 1);
}

// Python tests run by pytest where it is installed, else by unittest; both ways are tested, so pytest must be there.
// The tool that installs packages needs pip. Go shows that a language can be added by a file.
const usual = "/usr/local/go/bin:/usr/lib/go/bin:/usr/local/bin:/usr/bin:/bin";
const needs = [
  { command: ["/usr/bin/python3", "-c", "import pytest, pip"], packages: ["python3-pytest", "python3-pip"] },
  { command: ["/usr/bin/env", `PATH=${usual}`, "go", "version"], packages: ["golang-go"] },
];
const missing = () => needs.filter(({ command: [program, ...words] }) => spawnSync(program, words).status !== 0);
const packages = missing().flatMap((need) => need.packages);
if (packages.length > 0) {
  const command = `apt-get install -y -qq --no-install-recommends ${packages.join(" ")}`;
  process.stdout.write(`the tests need ${packages.join(", ")}: ${command}\n`);
  if (process.getuid?.() === 0)
    spawnSync("sh", ["-c", `apt-get update -qq; ${command}`], { stdio: ["ignore", "ignore", "inherit"] });
  if (missing().length > 0) {
    process.stdout.write(`they could not be installed; install them: sudo ${command}\n`);
    process.exit(3);
  }
}

// Compiled once, not by each of three hundred processes. `atos` itself keeps what it compiled in the same folder.
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
  ...(full ? { ATOS_TEST_FULL: "1" } : {}),
};

let isInterrupted = false;
/** Runs test files, three at a time, since each waits for much; the exit status. */
const run = (files, more) => {
  if (isInterrupted) return 1;
  const { status, signal } = spawnSync(
    process.execPath,
    ["--test", "--test-concurrency=3", "--test-timeout=1500000", ...files],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: { ...env, ...more } },
  );
  isInterrupted = signal !== null || status === 130;
  return status ?? 1;
};

if (chosen.length > 0) process.exit(run(chosen, {}));

// One database cluster for all of them to copy. Ctrl-C ends the tests, and then what is left here is cleaned up.
process.on("SIGINT", () => {});
const cluster = mkdtempSync(join(tmpdir(), "atos-cluster-"));
try {
  const made = spawnSync(process.execPath, ["test/fixtures/prepare-cluster.ts", cluster], {
    cwd: root,
    env,
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`no database could be prepared: ${made.stdout}${made.stderr}`);
  const shared = { ATOS_TEST_CLUSTER: cluster };
  const files = globSync(["src/**/*.test.ts", "test/*.test.ts", "test/team/*.test.ts"], { cwd: root });
  // By themselves, one after the other: their bombs use up the processes that one user may have.
  const alone = [join("src", "sandbox", "every-level.test.ts"), join("test", "attacks.test.ts")];
  const together = files.filter((file) => !alone.includes(file));
  process.exitCode = Math.max(...[together, ...alone.map((file) => [file])].map((some) => run(some, shared)));
} finally {
  rmSync(cluster, { recursive: true, force: true });
}
