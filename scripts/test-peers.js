// Runs ATOS's engine against real model servers, and the official OpenAI client against ATOS's fake server.
// Builds llama.cpp and installs from PyPI: minutes the first time, then it is kept in the cache folder.
// No part of `npm test`: it needs the network, Python 3.11, and a C++ compiler.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const LLAMA = "llama_cpp_python-0.3.36";
const LLAMA_SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e";
const SYSTEM_PACKAGES = "python3 python3-venv g++";

const root = fileURLToPath(new URL("..", import.meta.url));
const requirements = join(root, "test/peers/requirements.txt");
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "atos", "peers");
// Whatever changes what is installed makes another folder.
const key = createHash("sha256").update(LLAMA_SHA256).update(readFileSync(requirements)).digest("hex").slice(0, 12);
const folder = join(cache, key);
const bin = join(folder, "venv/bin");
const ready = join(folder, "ready");

if (!existsSync(ready)) install();
const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen : globSync("test/peers/*.test.ts", { cwd: root }).filter(hasPeer);
const tests = spawnSync(process.execPath, ["--test", "--test-concurrency=1", "--test-timeout=120000", ...files], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, ATOS_PEERS: folder },
});
process.exit(tests.status ?? 1);

function install() {
  requireTools();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run("python3", ["-m", "venv", "venv"]);
  run(join(bin, "pip"), ["install", "-q", "-r", requirements]);
  const sdist = `${LLAMA}.tar.gz`;
  const version = LLAMA.split("-")[1];
  const only = ["--no-deps", "--no-binary", "llama-cpp-python", `llama-cpp-python==${version}`];
  run(join(bin, "pip"), ["download", "-q", ...only]);
  const found = createHash("sha256")
    .update(readFileSync(join(folder, sdist)))
    .digest("hex");
  if (found !== LLAMA_SHA256) fail(`${sdist} has the SHA-256 ${found}, not ${LLAMA_SHA256}`);
  run("tar", ["xzf", sdist]);
  // One build of llama.cpp, for its own server and for Python's. Quick to compile matters more than quick to run.
  const flags = {
    CMAKE_BUILD_TYPE: "Release",
    CMAKE_C_FLAGS_RELEASE: "-O1",
    CMAKE_CXX_FLAGS_RELEASE: "-O1",
    BUILD_SHARED_LIBS: "ON",
    GGML_OPENMP: "OFF",
    LLAMA_BUILD_TESTS: "OFF",
    LLAMA_BUILD_EXAMPLES: "OFF",
    LLAMA_BUILD_APP: "OFF",
    LLAMA_BUILD_UI: "OFF",
    LLAMA_USE_PREBUILT_UI: "OFF",
    LLAMA_OPENSSL: "OFF",
  };
  const defines = Object.entries(flags).map(([name, value]) => `-D${name}=${value}`);
  const generator = ["-G", "Ninja", `-DCMAKE_MAKE_PROGRAM=${join(bin, "ninja")}`];
  run(join(bin, "cmake"), ["-S", `${LLAMA}/vendor/llama.cpp`, "-B", "build", ...generator, ...defines]);
  run(join(bin, "cmake"), ["--build", "build", "--target", "llama-server", "--parallel", "2"]);
  run(join(bin, "pip"), ["install", "-q", "--no-deps", sdist], { CMAKE_ARGS: "-DLLAMA_BUILD=OFF -DLLAVA_BUILD=OFF" });
  for (const spent of [sdist, LLAMA]) rmSync(join(folder, spent), { recursive: true });
  writeFileSync(ready, "");
}

/** Ollama is not built here; where one is installed it is tested too. */
function hasPeer(file) {
  if (!file.endsWith("ollama.test.ts") || spawnSync("ollama", ["--version"]).status === 0) return true;
  process.stdout.write("ollama is not installed: its tests are left out\n");
  return false;
}

function requireTools() {
  const missing = () =>
    spawnSync("python3", ["-c", "import venv, ensurepip"]).status !== 0 || spawnSync("c++", ["--version"]).status !== 0;
  if (!missing()) return;
  const command = `apt-get install -y -qq --no-install-recommends ${SYSTEM_PACKAGES}`;
  process.stdout.write(`these tests need python3 with venv and a C++ compiler: ${command}\n`);
  if (process.getuid?.() === 0)
    spawnSync("sh", ["-c", `apt-get update -qq; ${command}`], { stdio: ["ignore", "ignore", "inherit"] });
  if (missing()) fail(`they could not be installed; install them: sudo ${command}`, 3);
}

function run(command, args, env = {}) {
  process.stdout.write(`${[command.replace(`${folder}/`, ""), ...args].join(" ").replaceAll(folder, ".")}\n`);
  // Compilers say much; it is shown only where it helps.
  const done = spawnSync(command, args, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
  });
  if (done.status === 0) return;
  process.stdout.write(`${done.stdout ?? ""}${done.stderr ?? ""}${done.error ?? ""}`.slice(-8000));
  fail(`failed: ${command}`);
}

function fail(why, code = 1) {
  process.stdout.write(`${why}\n`);
  process.exit(code);
}
