import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkTools } from "./check-tools.ts";
import { loadTeam } from "./load-team.ts";
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

test("the team of ATOS whose developers act with tools has none that do not exist", async () => {
  const own = fileURLToPath(new URL("../../roles", import.meta.url));
  const { team: tools } = await loadTeam({ team: "tools", directory: "/", overrides: [], own });
  checkTools(tools);
  const acting = (["simple", "medium", "complex"] as const).map((tier) => tools.developers[tier].tools.length > 0);
  assert.deepEqual(acting, [false, true, true]);
});

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
