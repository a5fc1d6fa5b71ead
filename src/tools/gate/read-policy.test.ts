import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DEFAULT_POLICY } from "./default-policy.ts";
import { mergePolicies, parsePolicy, readPolicy } from "./read-policy.ts";

const root = mkdtempSync(join(tmpdir(), "atos-policy-"));
after(() => rmSync(root, { recursive: true, force: true }));

test("a policy file is rules in order, each with its place", () => {
  const text =
    "unparsed: deny\nrules:\n  - command: git push **\n    decide: deny\n    why: people push\n  - tool: web/*\n    decide: ask\n";
  assert.deepEqual(parsePolicy(text, "policy.yaml"), {
    unparsed: "deny",
    rules: [
      { command: "git push **", decide: "deny", why: "people push", from: "policy.yaml, rule 1" },
      { tool: "web/*", decide: "ask", from: "policy.yaml, rule 2" },
    ],
  });
  assert.deepEqual(parsePolicy("", "policy.yaml"), { rules: [] });
});

test("what is wrong is named with its file, rule and key", () => {
  const wrong = [
    ["rules:\n  - decide: allow\n  - decide: maybe\n", /policy\.yaml: rule 2, decide: /],
    ["rules:\n  - comand: ls\n    decide: ask\n", /rule 1: .*comand/],
    ["rules:\n  - path: ../x\n    decide: ask\n", /rule 1, path: must be a relative path/],
    ["rules:\n  - path: a/b**\n    decide: ask\n", /rule 1, path: /],
    ["rules:\n  - command: '** ls'\n    decide: ask\n", /rule 1, command: /],
    ['rules:\n  - command: "ls\\n"\n    decide: ask\n', /rule 1, command: must have no control/],
    ["rule: []\n", /the file: .*rule/],
    ["unparsed: allow\n", /unparsed: /],
    ["rules: [", /is not YAML/],
    ["- a\n", /the file: /],
  ] as const;
  for (const [text, message] of wrong)
    assert.throws(() => parsePolicy(text, "policy.yaml"), { code: "tools/bad-policy", exitCode: 2, message }, text);
});

test("the user's rules follow the built-in ones; the workspace's stand by themselves", () => {
  const rule = { decide: "ask", tool: "x" } as const;
  assert.deepEqual(mergePolicies({}), { rules: DEFAULT_POLICY.rules, unparsed: "ask" });
  assert.deepEqual(
    mergePolicies({ user: { rules: [rule], unparsed: "deny" }, workspace: { rules: [rule], unparsed: "ask" } }),
    {
      rules: [...DEFAULT_POLICY.rules, rule],
      unparsed: "deny",
      stricter: [rule],
    },
  );
});

test("both files are read, either may be missing, and what is no file is refused", async () => {
  const [workspace, configDirectory] = [join(root, "workspace"), join(root, "config")];
  assert.deepEqual(await readPolicy({ workspace, configDirectory }), mergePolicies({}));
  mkdirSync(join(workspace, ".atos"), { recursive: true });
  mkdirSync(configDirectory);
  writeFileSync(join(workspace, ".atos", "policy.yaml"), "rules:\n  - decide: deny\n");
  execFileSync("mkfifo", [join(configDirectory, "policy.yaml")]);
  await assert.rejects(readPolicy({ workspace, configDirectory }), {
    code: "tools/bad-policy",
    message: /can't be read: it is no file/,
  });
  rmSync(join(configDirectory, "policy.yaml"));
  const policy = await readPolicy({ workspace, configDirectory });
  assert.deepEqual(policy.stricter, [{ decide: "deny", from: `${join(workspace, ".atos", "policy.yaml")}, rule 1` }]);
});
