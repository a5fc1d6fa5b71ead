// Runs every test. With --full the long forms too: see docs/testing.md.
// What the tests need of the system (bubblewrap, git, python3) is installed first where that can be done.
import { spawnSync } from "node:child_process";
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

const files = chosen.length > 0 ? chosen : ["src/**/*.test.ts", "test/*.test.ts", "test/team/*.test.ts"];
const tests = spawnSync(process.execPath, ["--test", "--test-concurrency=2", "--test-timeout=1500000", ...files], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, ...(full ? { ATOS_TEST_FULL: "1" } : {}) },
});
process.exit(tests.status ?? 1);
