import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installed } from "./mcp/installed.ts";

/*
 * The protocol's own suite against ATOS's servers and client, and the protocol's inspector against each server. What
 * the suite may find is written down, line by line, in test/mcp/expected-*.yaml; the suite fails on anything else,
 * and on a line that is no longer true.
 */
const SUITE = "@modelcontextprotocol/conformance/dist/index.js";
const INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
const REVISIONS = ["2025-11-25", "2026-07-28"];
const SUITE_TIMEOUT_MS = 240_000;
const CALL_TIMEOUT_MS = 60_000;
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** One call of each tool, and whether it must answer with a result or with an error. */
const CALLS: Readonly<
  Record<string, readonly (readonly [tool: string, args: Record<string, unknown>, "ok" | "error"])[]>
> = {
  filesystem: [
    ["write_file", { path: "src/name.ts", content: "export const name = 1;\n" }, "ok"],
    ["read_file", { path: "src/name.ts" }, "ok"],
    ["edit_file", { path: "src/name.ts", search: "= 1", replace: "= 2" }, "ok"],
    ["list_files", {}, "ok"],
    ["search_files", { query: "name" }, "ok"],
    ["move_file", { path: "src/name.ts", new_path: "src/other.ts" }, "ok"],
    ["delete_file", { path: "src/other.ts" }, "ok"],
    ["read_file", { path: "../outside" }, "error"],
  ],
  shell: [["run_command", { command: "echo hello" }, "ok"]],
  "code-runner": [
    ["run_python", { code: "print(1 + 1)" }, "ok"],
    ["run_node", { code: "console.log(1 + 1)" }, "ok"],
    ["run_tests", {}, "error"],
  ],
  git: [
    ["git_status", {}, "ok"],
    ["git_diff", {}, "ok"],
    ["git_commit", { message: "Begin" }, "ok"],
    ["git_log", {}, "ok"],
  ],
  // A person must agree to an install, and to calling out; nobody is there to be asked.
  packages: [["install_package", { name: "left-pad", manager: "npm" }, "error"]],
  workflow: [["call_workflow", { name: "notify", payload: {} }, "error"]],
  // No search server is configured; this machine's own addresses are refused.
  web: [
    ["search_web", { query: "anything" }, "error"],
    ["download_file", { url: "http://127.0.0.1:9/a", path: "a" }, "error"],
  ],
  docs: [
    ["search_docs", { query: "anything" }, "ok"],
    ["call_context7", { query: "anything" }, "error"],
  ],
  memory: [
    ["remember", { note: "Dates are ISO 8601." }, "ok"],
    ["recall", { query: "dates" }, "ok"],
  ],
};

for (const revision of REVISIONS) {
  test(`servers made by ATOS's factory conform to ${revision}, but for what is written down`, async (t) => {
    const url = await startServer(t);
    await runSuite(["server", "--url", url], revision);
  });

  test(`ATOS's client conforms to ${revision}, but for what is written down`, async () => {
    await runSuite(["client", "--command", `${process.execPath} ${path("mcp/conformance-client.ts")}`], revision);
  });
}

test("the inspector lists and calls each tool of each server", async (t) => {
  const { servers } = Object(JSON.parse((await atos(["mcp", "--json"])).stdout));
  assert.deepEqual(servers.map(({ name }: { name: string }) => name).toSorted(), Object.keys(CALLS).toSorted());
  for (const [server, calls] of Object.entries(CALLS)) {
    await t.test(server, async (inner) => {
      const inspect = await inspector(inner, server);
      const { tools } = await inspect(["--method", "tools/list"]);
      const names: string[] = tools.map(({ name }: { name: string }) => name);
      assert.deepEqual(names.toSorted(), [...new Set(calls.map(([name]) => name))].toSorted());
      for (const [name, args, wanted] of calls) {
        const pairs = Object.entries(args).flatMap(([key, value]) => [
          "--tool-arg",
          `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
        ]);
        const result = await inspect(["--method", "tools/call", "--tool-name", name, ...pairs]);
        assert.equal(result.isError === true ? "error" : "ok", wanted, `${name}: ${JSON.stringify(result)}`);
      }
    });
  }
});

/** The door in front of a server of the factory's; it ends with the test. */
async function startServer(t: TestContext): Promise<string> {
  const child = spawn(process.execPath, [path("mcp/conformance-server.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return String(line);
}

async function runSuite(args: readonly string[], revision: string): Promise<void> {
  const suite = await installed(SUITE);
  const expected = path(`mcp/expected-${revision}.yaml`);
  const command = [suite, ...args, "--requirements", revision, "--expected-failures", expected];
  try {
    await promisify(execFile)(process.execPath, command, { timeout: SUITE_TIMEOUT_MS, maxBuffer: 64e6 });
  } catch (error) {
    const { stdout, message }: { stdout?: unknown; message?: unknown } = Object(error);
    const told = String(stdout ?? message);
    assert.fail(told.slice(Math.max(0, told.lastIndexOf("SUMMARY"))).slice(-8000));
  }
}

async function inspector(t: TestContext, server: string) {
  const program = await installed(INSPECTOR);
  const home = mkdtempSync(join(tmpdir(), "atos-inspector-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const root = join(home, "workspace");
  mkdirSync(root);
  writeFileSync(join(root, "a.txt"), "a\n");
  await promisify(execFile)("git", ["init", "-q", root]);
  const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, HOME: home, ATOS_HOME: join(home, "state") };
  const target = [process.execPath, path("../bin/atos.js"), "mcp", server, "--root", root];
  return async (args: readonly string[]) => {
    const command = [program, "--cli", "-e", `ATOS_HOME=${env.ATOS_HOME}`, ...target, ...args];
    try {
      const { stdout } = await promisify(execFile)(process.execPath, command, { env, timeout: CALL_TIMEOUT_MS });
      return Object(JSON.parse(stdout));
    } catch (error) {
      // It exits with a code of its own when a tool's answer is an error, and prints the answer all the same.
      const { stdout, stderr }: { stdout?: unknown; stderr?: unknown } = Object(error);
      if (typeof stdout === "string" && stdout.trim().startsWith("{")) return Object(JSON.parse(stdout));
      return assert.fail(`${args.join(" ")}: ${String(stdout)}${String(stderr)}`);
    }
  };
}

function atos(args: readonly string[]) {
  return promisify(execFile)(process.execPath, [path("../bin/atos.js"), ...args], { timeout: CALL_TIMEOUT_MS });
}
