import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTools } from "./check-tools.ts";
import type { Role, Seat } from "./role.ts";

function role(seat: Seat, tools: readonly string[] = []): Role {
  return { name: `my-${seat}`, seat, maxTokens: 100, temperature: 0, tools, turns: 3, user: "x" };
}

function team(developer: Role, reviewer = role("reviewer")) {
  const roles = {
    "product-manager": role("product-manager"),
    "tech-lead": role("tech-lead"),
    tester: role("tester"),
    reviewer,
  };
  return { roles, developers: { simple: role("developer"), medium: developer, complex: developer } };
}

test("developers may have ATOS's own tools, and any of other servers", () => {
  checkTools(team(role("developer", ["read_file", "run_tests", "github__create_issue"])));
});

test("a tool that does not exist is refused, with those that do", () => {
  assert.throws(() => checkTools(team(role("developer", ["read_file", "run_shell", "git_status"]))), {
    code: "agents/unknown-tool",
    message: /^the role my-developer names run_shell, git_status, .*Tools are: read_file, list_files, .*SERVER__TOOL$/,
  });
});

test("a seat that only answers has no tools", () => {
  assert.throws(() => checkTools(team(role("developer"), role("reviewer", ["read_file"]))), {
    code: "agents/no-tools-here",
    message: /my-reviewer/,
  });
});
