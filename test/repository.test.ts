import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Seat } from "../src/agents/role.ts";
import { Installation } from "./fixtures/atos.ts";
import { assertNoStackTrace } from "./fixtures/build-with.ts";
import { ADD_SUB, gitAs, makeProject, PYTHON_PROJECT } from "./fixtures/project.ts";
import { startTeamServer } from "./fixtures/team-server.ts";

const atos = new Installation();
after(() => atos[Symbol.asyncDispose]());

const GOAL = "Add a function sub to calc.core";

type Replies = Readonly<Partial<Record<Seat, string>>>;

/** Builds on the project by a team that says `replies`. */
async function buildOn(project: string, replies: Replies, ...args: readonly string[]) {
  await using server = await startTeamServer((role) => ({ kind: "text", text: replies[role] ?? "", usage: "counted" }));
  const asks = ["build", GOAL, "--repo", project, "--model", `${server.baseUrl}#m`];
  const { code, lines, stderr } = await atos.json(...asks, ...args);
  assertNoStackTrace(stderr);
  const last = lines.at(-1) ?? {};
  const result: Record<string, unknown> = Object(last["result"]);
  const asked = server.requests.flatMap(({ body }) => (body === undefined ? [] : [JSON.stringify(body)]));
  return { code, lines, stderr, last, result, branch: String(result["branch"]), asked };
}

function fileAt(project: string, branch: string, path: string): string {
  return gitAs(project, "show", `${branch}:${path}`);
}

/** All that a person would see of a repository, but for its branches' new one. */
function stateOf(project: string): unknown {
  return {
    status: gitAs(project, "status", "--porcelain=v2", "--branch", "--untracked-files=all"),
    head: readFileSync(join(project, ".git/HEAD"), "utf8"),
    config: readFileSync(join(project, ".git/config"), "utf8"),
    core: readFileSync(join(project, "calc/core.py"), "utf8"),
    trunk: gitAs(project, "rev-parse", "trunk"),
  };
}

test("a build on a repository gives a branch: its files, rules and tests are kept, and its work tree is not touched", async () => {
  const project = makeProject(atos.path("python"), PYTHON_PROJECT);
  const proof = atos.path("it-ran");
  mkdirSync(join(project, ".git/hooks"), { recursive: true });
  for (const hook of ["reference-transaction", "post-checkout", "post-commit"]) {
    writeFileSync(join(project, ".git/hooks", hook), `#!/bin/sh\ntouch ${proof}\n`);
    chmodSync(join(project, ".git/hooks", hook), 0o755);
  }
  for (const [name, value] of [
    ["filter.evil.clean", `sh -c 'touch ${proof}; cat'`],
    ["filter.evil.smudge", `sh -c 'touch ${proof}; cat'`],
    ["core.fsmonitor", `touch ${proof}`],
    ["core.alternateRefsCommand", `touch ${proof}`],
    ["uploadpack.packObjectsHook", `touch ${proof}`],
  ] as const)
    gitAs(project, "config", name, value);
  // What is under way there: changed, staged, and not known to git.
  writeFileSync(join(project, "calc/core.py"), "half = 'done'\n");
  writeFileSync(join(project, "staged.txt"), "staged\n");
  gitAs(project, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "add", "staged.txt");
  writeFileSync(join(project, "note.txt"), "mine\n");
  const index = readFileSync(join(project, ".git/index"));
  const built = await buildOn(join(project, "calc"), ADD_SUB);
  const { branch, result, stderr } = built;
  assert.deepEqual([built.code, built.last["state"]], [0, "green"], `${stderr}\n${JSON.stringify(built.lines.at(-2))}`);
  assert.match(branch, /^atos\/\d{6}-[0-9a-f]{8}$/);
  assert.match(stderr, /builds on trunk, commit [0-9a-f]{10} of .*; what is not committed there is no part of it/);
  assert.equal(existsSync(proof), false, "something of the repository was run");
  assert.deepEqual(readFileSync(join(project, ".git/index")), index);
  assert.deepEqual(
    [readFileSync(join(project, "calc/core.py"), "utf8"), readFileSync(join(project, "note.txt"), "utf8")],
    ["half = 'done'\n", "mine\n"],
  );
  gitAs(project, "config", "--unset", "core.fsmonitor");
  // Byte by byte and mode by mode, all is as it was but for what the build is about.
  assert.deepEqual(gitAs(project, "diff", "--name-status", `trunk...${branch}`).split("\n").toSorted(), [
    "A\t.atos/pull-request.md",
    "A\t.atos/receipt.json",
    "A\tRECEIPT.md",
    "A\ttests/test_sub.py",
    "M\tcalc/core.py",
  ]);
  assert.deepEqual(
    gitAs(project, "rev-list", "--parents", `trunk..${branch}`).split("\n").at(-1)?.split(" ").at(1),
    gitAs(project, "rev-parse", "trunk"),
  );
  const receipt: Record<string, unknown> = Object(JSON.parse(fileAt(project, branch, ".atos/receipt.json")));
  const { pullRequest, ...repository }: Record<string, unknown> = Object(receipt["repository"]);
  assert.deepEqual(repository, {
    base: gitAs(project, "rev-parse", "trunk"),
    branch,
    language: "python",
    greenTests: ["tests/test_core.py"],
    redTests: [{ path: "tests/test_remote.py", why: "ModuleNotFoundError: No module named 'not_installed_anywhere'" }],
    dependencies: [],
  });
  assert.match(String(pullRequest), /^[0-9a-f]{64}$/);
  assert.deepEqual([result["passed"], result["failed"]], [2, 0]);
  // What it tells whoever takes it in.
  assert.equal(result["summary"], `${fileAt(project, branch, ".atos/pull-request.md")}\n`);
  assert.match(String(result["summary"]), /^# Adds sub, which subtracts, to calc\.core\n/);
  assert.match(String(result["summary"]), /`calc\/core\.py` \+\d+ −0\n- `tests\/test_sub\.py` \(added\) \+\d+ −0/);
  assert.match(String(result["summary"]), /sub could say what it does with strings/);
  // Everybody was told what is there and how it is done.
  const roles = built.asked.slice(0, 5);
  for (const asked of roles) assert.match(asked, /Every function has a docstring of one line/);
  for (const asked of roles.slice(0, 4)) assert.match(asked, /def add\(a, b\)/);
  // The command that the summary names, as it stands there.
  const [, command = ""] = /`atos (receipt verify \..*)`/.exec(String(result["summary"])) ?? [];
  assert.equal(command, `receipt verify . --branch ${branch}`);
  const verified = await atos.run(...command.split(" ").map((word) => (word === "." ? project : word)));
  assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`);
  const other = await atos.run("receipt", "verify", project, "--branch", "nope");
  assert.equal(other.code, 2);
  assert.match(other.stderr, new RegExp(`has no branch nope; it has ${branch}, trunk `));
});

test("code that breaks a test of the repository is sent back, and red in the end, however green its own tests are", async () => {
  const project = makeProject(atos.path("breaking"), PYTHON_PROJECT);
  const before = stateOf(project);
  const developer = ADD_SUB.developer.replace("return a + b", "return a + b + 1");
  const red = await buildOn(project, { ...ADD_SUB, developer }, "--branch", "feature/sub");
  const { code, result, branch } = red;
  assert.deepEqual([code, branch], [1, "feature/sub"]);
  assert.match(String(result["why"]), /^task sub: still red after .*test_add/s);
  // The developer was told of it.
  assert.ok(red.asked.some((asked) => /That did not pass:.{0,200}test_add/.test(asked)));
  assert.match(fileAt(project, branch, "RECEIPT.md"), /^# Receipt: red/);
  assert.match(String(result["summary"]), /\*\*Not done:\*\* task sub: still red/);
  assert.deepEqual(stateOf(project), before);
  const verified = await atos.run("receipt", "verify", project, "--branch", branch);
  assert.equal(verified.code, 1);
  assert.match(verified.stdout, /The receipt is red: it is what it says/);
});

const ADD_TYPESCRIPT = "export function add(a: number, b: number): number {\r\n  return a + b;\r\n}\r\n";
const PYTHON_PACKAGES = ".venv/lib/python3.11/site-packages";
const TYPESCRIPT_PROJECT = {
  "AGENTS.md": "Two spaces. No classes.\n",
  ".gitignore": "node_modules/\n.venv/\n",
  ".flake8": "",
  "package.json": '{ "type": "module", "dependencies": { "tiny": "1.0.0" } }\n',
  "src/add.ts": ADD_TYPESCRIPT,
  "src/add.test.ts":
    'import assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { five } from "tiny";\nimport { add } from "./add.ts";\n\ntest("adds", () => assert.equal(add(2, 3), five));\n',
};
const TYPESCRIPT_TEAM = {
  "product-manager": "NAME: sub\nLANGUAGE: typescript\nSUMMARY: adds sub\nCRITERIA:\n- sub(5, 3) returns 2\n",
  "tech-lead":
    "TASK: sub\nTIER: simple\nFILES: src/add.ts\nAFTER: none\nCOVERS: C1\nDO: add sub(a: number, b: number): number\n",
  tester:
    'FILE: src/sub.test.ts\n```typescript\nimport assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { sub } from "./add.ts";\n\ntest("subtracts", () => assert.equal(sub(5, 3), 2));\n```\n',
  developer: `FILE: src/add.ts\n\`\`\`typescript\n${ADD_TYPESCRIPT.replaceAll("\r", "")}\nexport function sub(a: number, b: number): number {\n  return a - b;\n}\n\`\`\`\n`,
  reviewer: ADD_SUB.reviewer,
};

test("installed packages are shown to the tests and linters, line ends stay, and a second build goes on from the first", async () => {
  const project = makeProject(atos.path("typescript"), TYPESCRIPT_PROJECT);
  mkdirSync(join(project, "node_modules/tiny"), { recursive: true });
  writeFileSync(
    join(project, "node_modules/tiny/package.json"),
    '{ "name": "tiny", "type": "module", "exports": "./index.js" }\n',
  );
  writeFileSync(join(project, "node_modules/tiny/index.js"), "export const five = 5;\n");
  mkdirSync(join(project, PYTHON_PACKAGES), { recursive: true });
  mkdirSync(join(project, ".venv/bin"));
  writeFileSync(join(project, ".venv/bin/flake8"), "#!/bin/sh\ntest -f src/sub.test.ts\n", { mode: 0o755 });
  const first = await buildOn(project, TYPESCRIPT_TEAM, "--branch", "sub");
  assert.deepEqual([first.code, first.branch], [0, "sub"], `${first.stderr}\n${String(first.result["why"])}`);
  const receipt: Record<string, unknown> = Object(JSON.parse(fileAt(project, "sub", ".atos/receipt.json")));
  const built: Record<string, unknown> = Object(receipt["repository"]);
  assert.deepEqual(
    [built["greenTests"], built["dependencies"]],
    [
      ["src/add.test.ts"],
      [
        { kind: "node", path: "node_modules" },
        { kind: "python", path: PYTHON_PACKAGES },
      ],
    ],
  );
  const checks = receipt["checks"];
  assert.ok(Array.isArray(checks));
  assert.deepEqual(checks.at(-1), { what: "lint: flake8", outcome: "passed" });
  assert.match(String(Object(checks.at(-2))["outcome"]), /^Node v\d+/);
  const changed = gitAs(project, "cat-file", "blob", "sub:src/add.ts");
  assert.equal(changed.replaceAll("\r\n", "").includes("\n"), false, "a line lost its old end");
  gitAs(project, "merge", "--quiet", "--ff-only", "sub");
  const checkedOut = await atos.run("receipt", "verify", project);
  assert.equal(checkedOut.code, 0, `${checkedOut.stdout}${checkedOut.stderr}`);
  // The receipt of the first build is there; the second's takes its place.
  const again = {
    ...TYPESCRIPT_TEAM,
    "product-manager": TYPESCRIPT_TEAM["product-manager"]
      .replaceAll("sub", "mul")
      .replace("mul(5, 3) returns 2", "mul(5, 3) returns 15"),
    "tech-lead": TYPESCRIPT_TEAM["tech-lead"].replaceAll("sub", "mul").replace("src/add.ts", "src/mul.ts"),
    tester: TYPESCRIPT_TEAM.tester.replaceAll("sub", "mul").replace("./add.ts", "./mul.ts").replace(", 2)", ", 15)"),
    developer:
      "FILE: src/mul.ts\n```typescript\nexport function mul(a: number, b: number): number {\n  return a * b;\n}\n```\n",
  };
  const second = await buildOn(project, again, "--branch", "mul");
  assert.equal(second.code, 0, `${second.stderr}\n${String(second.result["why"])}`);
  const verified = await atos.run("receipt", "verify", project, "--branch", "mul");
  assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`);
});

test("a worker killed at the delivery leaves one branch, which is whole", async () => {
  const project = makeProject(atos.path("killed"), PYTHON_PROJECT);
  await using server = await startTeamServer((role) => ({
    kind: "text",
    text: role === "integrator" ? "" : ADD_SUB[role],
    usage: "counted",
  }));
  const args = ["build", GOAL, "--repo", project, "--model", `${server.baseUrl}#m`, "--json"];
  const client = atos.start([...args, "--branch", "killed"]);
  let seen = "";
  let killed = false;
  client.stdout?.on("data", (chunk: Buffer) => {
    const before = seen.includes('"type":"verified"');
    seen += chunk.toString("utf8");
    const pid = atos.workerPid();
    if (!before && seen.includes('"type":"verified"') && pid !== undefined) killed = process.kill(pid, "SIGKILL");
  });
  const { code, stderr } = await client.ended;
  assert.equal(code, 0, `${stderr}\n${atos.workerLog()}`);
  assert.ok(killed);
  assert.deepEqual(gitAs(project, "branch", "--format=%(refname:short)").split("\n"), ["killed", "trunk"]);
  const verified = await atos.run("receipt", "verify", project, "--branch", "killed");
  assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`);
});

test("a branch that somebody makes meanwhile is left alone, and the build goes on when its name is free", async () => {
  const project = makeProject(atos.path("taken"), PYTHON_PROJECT);
  await using server = await startTeamServer((role) => {
    if (role === "reviewer") gitAs(project, "branch", "--force", "wanted", "trunk");
    return { kind: "text", text: role === "integrator" ? "" : ADD_SUB[role], usage: "counted" };
  });
  const parked = await atos.run(
    "build",
    GOAL,
    "--repo",
    project,
    "--model",
    `${server.baseUrl}#m`,
    "--branch",
    "wanted",
  );
  assert.equal(parked.code, 2, `${parked.stdout}${parked.stderr}`);
  assert.match(`${parked.stdout}${parked.stderr}`, /has a branch wanted now that is not of this build/);
  gitAs(project, "branch", "--move", "wanted", "theirs");
  const resumed = await atos.run("resume");
  assert.equal(resumed.code, 0, `${resumed.stdout}${resumed.stderr}`);
  assert.match(resumed.stdout, /Done: branch wanted of .*; 2 of 2 tests pass/);
  assert.equal(gitAs(project, "rev-parse", "theirs"), gitAs(project, "rev-parse", "trunk"));
});

test("what can't be built on is told before anything begins", async () => {
  const project = makeProject(atos.path("plain"), PYTHON_PROJECT);
  mkdirSync(atos.path("nothing"));
  mkdirSync(atos.path("empty"));
  gitAs(atos.path("empty"), "init", "--quiet");
  for (const [args, why] of [
    [[], /say where the result shall go: --out DIR .* or --repo DIR/],
    [["--out", "x", "--repo", project], /can't go to two places/],
    [["--out", "x", "--branch", "b"], /--branch names what --repo DIR gets/],
    [["--repo", atos.path("nothing")], /it is not in a git repository/],
    [["--repo", atos.path("missing")], /can't build on \S+missing: there is no such folder\. Name one, or build/],
    [["--repo", atos.path("empty")], /it has no commit yet/],
    [["--repo", project, "--branch", "trunk"], /there is one of that name. Choose another/],
    [["--repo", project, "--branch", "-x y"], /no plain name/],
  ] as const) {
    const { code, stderr } = await atos.run("build", "Write add_numbers", ...args);
    assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, why);
  }
});
