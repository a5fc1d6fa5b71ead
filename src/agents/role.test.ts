import assert from "node:assert/strict";
import { test } from "node:test";
import { readRole, roleSchema } from "./role.ts";

const PLACE = { file: "t.md", name: "t", seat: "tester" } as const;
const GOOD = "---\nrole: tester\nmax_tokens: 100\n---\n# user\nhello {{spec}}\n";

test("a role file has defaults for all but its seat, its limit and how it is asked", () => {
  assert.deepEqual(readRole(GOOD, PLACE), {
    name: "t",
    seat: "tester",
    maxTokens: 100,
    temperature: 0,
    tools: [],
    turns: 12,
    user: "hello {{spec}}",
  });
});

test("a role file says name, model, tier, tools, limits and every message, and fits into a recorded request", () => {
  const front = "name: Ada\nrole: tester\nmax_tokens: 100\ntemperature: 0.7\ntier: medium\nmodel: big\n";
  const body =
    "# system\nYou test.\n\n# user\nhello\n## not a section\n# failure\nno: {{failure}}\n# rejected\n{{why}}\n";
  const text = `---\r\n${front.replaceAll("\n", "\r\n")}tools: [read_file, run_tests]\r\nturns: 3\r\n---\r\n${body}`;
  const role = readRole(text, PLACE);
  assert.deepEqual(role, {
    name: "Ada",
    seat: "tester",
    maxTokens: 100,
    temperature: 0.7,
    tier: "medium",
    model: "big",
    tools: ["read_file", "run_tests"],
    turns: 3,
    system: "You test.",
    user: "hello\n## not a section",
    failure: "no: {{failure}}",
    rejected: "{{why}}",
  });
  assert.deepEqual(roleSchema.parse(JSON.parse(JSON.stringify(role))), role);
});

test("a role file that is not in its form is refused by the file's name and what is wrong", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["hello", /no front matter/],
    [GOOD.replace("max_tokens", "max_token"), /max_token/],
    [GOOD.replace("role: tester", "role: tester\ncolour: red"), /"colour"/],
    [GOOD.replace("# user", "# usr"), /no "# user" section/],
    [GOOD.replace("100", "1e9"), /max_tokens/],
    [GOOD.replace("role: tester", "role: developer"), /for the role developer, not tester/],
    [GOOD.replace("role: tester", "role: tester\ntools: ['rm -rf']"), /tools\[0\]/],
    [GOOD.replace("role: tester", "role: tester\nturns: 0"), /turns/],
    [GOOD.replace("role: tester", "role: [tester"), /not YAML/],
    [GOOD.replace("{{spec}}", "{{specs}}"), /\{\{specs\}\} is no value/],
    [`${GOOD}# rejected\n{{#why}} x\n`, /never closed/],
  ];
  for (const [text, message] of cases)
    assert.throws(
      () => readRole(text, PLACE),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "agents/bad-prompt");
        assert.match(error.message, /^t\.md /);
        assert.match(error.message, message);
        return true;
      },
    );
});
