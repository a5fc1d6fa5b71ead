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

const files = chosen.length > 0 ? chosen : ["src/**/*.test.ts", "test/*.test.ts"];
const tests = spawnSync(process.execPath, ["--test", "--test-concurrency=2", "--test-timeout=1500000", ...files], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, ...(full ? { ATOS_TEST_FULL: "1" } : {}) },
});
process.exit(tests.status ?? 1);
