import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { fill, type TemplateValues } from "./fill.ts";
import { loadTeam, type TeamPlaces } from "./load-team.ts";
import { type Seat, SEATS } from "./role.ts";
import { roleFor, teamSchema } from "./team.ts";

const PACKAGE = new URL("../../", import.meta.url);
const OWN = fileURLToPath(new URL("roles", PACKAGE));
const NANO = fileURLToPath(new URL("models/nano/prompts", PACKAGE));
const top = mkdtempSync(join(tmpdir(), "atos-team-"));
after(() => rmSync(top, { recursive: true, force: true }));

/** A folder of its own, with these files. */
function folder(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(top, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

function roleFile(seat: Seat, user: string): string {
  return `---\nrole: ${seat}\nmax_tokens: 100\n---\n# user\n${user}\n`;
}

function load(places: Partial<TeamPlaces> = {}) {
  return loadTeam({ directory: top, overrides: [], own: OWN, ...places });
}

/** What every build tells a seat; the rest depends on the goal and the project. */
const ALWAYS: Readonly<Record<Seat, TemplateValues>> = {
  "product-manager": { goal: "x", languages: "x" },
  "tech-lead": { spec: "x" },
  tester: { spec: "x", plan: "x", task: "x" },
  developer: { spec: "x", task: "x", tests: "x" },
  reviewer: { spec: "x", files: "x", results: "x" },
  integrator: { spec: "x" },
};

test("the teams that ATOS ships can be loaded, recorded, and filled with what every build has", async () => {
  for (const places of [{}, { pinned: NANO }]) {
    const { team, notes } = await load(places);
    assert.deepEqual(notes, []);
    assert.equal(team.name, "default");
    assert.deepEqual(teamSchema.parse(JSON.parse(JSON.stringify(team))), team);
    for (const seat of SEATS) {
      const role = roleFor(team, seat, "simple");
      fill(role.user, { ...ALWAYS[role.seat] });
      if (role.failure !== undefined) fill(role.failure, { failure: "x" });
      if (role.rejected !== undefined) fill(role.rejected, { why: "x" });
    }
  }
});

test("without a team file and an integrator, seats go by the names of the roles, and a developer joins", async () => {
  const { team } = await load({ pinned: NANO });
  assert.equal(team.roles.integrator, undefined);
  assert.equal(roleFor(team, "integrator", "medium"), roleFor(team, "developer", "medium"));
  assert.equal(roleFor(team, "tester", "simple").name, "tester");
  const own = (await load()).team;
  assert.equal(roleFor(own, "integrator", "medium").seat, "integrator");
});

test("atos-nano is asked with the very words that it was trained on", async () => {
  const { team } = await load({ pinned: NANO });
  const words = (seat: Seat, values: TemplateValues): string =>
    fill(roleFor(team, seat, "simple").user, values)
      .map(({ text }) => text)
      .join("");
  const [goal, spec, plan, task, tests, files, results] = ["G\n", "S\n", "P\n", "T", "X", "F", "R\n"] as const;
  assert.equal(words("product-manager", { goal, languages: "python" }), "spec\nG\n");
  assert.equal(words("tech-lead", { spec }), "plan\nS\n");
  assert.equal(words("tester", { spec, plan, task }), "tests\nS\n\nP\n");
  assert.equal(words("developer", { spec, task, tests, map: "M", interfaces: "I" }), "code\nT\nS\n\nX");
  assert.equal(words("reviewer", { spec, files, results }), "review\nS\n\nF\nR\n");
});

test("a person's role goes before ATOS's own, the nearest folder first", async () => {
  const user = folder("user", { "tester.md": roleFile("tester", "user"), "reviewer.md": roleFile("reviewer", "user") });
  const workspace = folder("workspace", { "tester.md": roleFile("tester", "workspace") });
  const { team, notes } = await load({ overrides: [workspace, join(top, "nowhere"), user] });
  assert.deepEqual([team.roles.tester.user, team.roles.reviewer.user], ["workspace", "user"]);
  // A cloned folder may bring roles along: whoever asks is told of them.
  assert.deepEqual(notes, [
    `the role tester is the one of ${join(workspace, "tester.md")}`,
    `the role reviewer is the one of ${join(user, "reviewer.md")}`,
  ]);
  assert.equal(team.roles["tech-lead"].name, "tech-lead");
});

test("a team file says who sits where, by tier for developers, and leaves the rest as it is", async () => {
  const files = {
    "strict.yaml": "name: strict\ntester: picky\ndeveloper: { simple: quick }\n",
    "picky.md": roleFile("tester", "picky"),
    "quick.md": roleFile("developer", "quick"),
  };
  const user = folder("strict", files);
  const { team } = await load({ overrides: [user], team: "strict" });
  assert.deepEqual(
    [team.name, team.roles.tester.name, team.developers.simple.name, team.developers.complex.name],
    ["strict", "picky", "quick", "developer"],
  );
  assert.equal(team.roles.reviewer.name, "reviewer");
});

test("a person's own team.yaml is the team when none is asked for", async () => {
  const user = folder("usual", { "team.yaml": "developer: quick\n", "quick.md": roleFile("developer", "quick") });
  const { team } = await load({ overrides: [user] });
  assert.deepEqual([team.name, team.developers.medium.name], ["team", "quick"]);
});

test("a team file elsewhere is given by its path, and its roles lie beside it", async () => {
  folder("elsewhere", { "mine.yaml": "tester: mine\n", "mine.md": roleFile("tester", "mine") });
  const { team } = await load({ team: "elsewhere/mine.yaml" });
  assert.deepEqual([team.name, team.roles.tester.name, team.roles.reviewer.name], ["mine", "mine", "reviewer"]);
});

test("what a roster brings along is not overridden, and that is said only where there is something to say", async () => {
  const user = folder("unused", { "tester.md": roleFile("tester", "user"), "strict.yaml": "" });
  const empty = folder("empty", { "notes.txt": "" });
  const quiet = await load({ overrides: [empty], pinned: NANO });
  assert.deepEqual(quiet.notes, []);
  const { team, notes } = await load({ overrides: [user, empty], team: "strict", pinned: NANO });
  await assert.rejects(load({ overrides: [empty], team: "nope", pinned: NANO }), {
    code: "agents/unknown-team",
    message: /^there is no team nope; there are .*team.*\. Give one of these/,
  });
  assert.equal(team.roles.tester.user, "tests\n{{spec}}\n{{plan}}");
  assert.deepEqual(notes, [
    `this roster's models are asked with its own prompts (${NANO}); the team strict and the roles in ${user} are not used`,
  ]);
});

test("what is wrong with a team is said with its file and key", async () => {
  const bad = folder("bad", {
    "colour.yaml": "colour: red\n",
    "tier.yaml": "developer: { hard: developer }\n",
    "path.yaml": "tester: ../../etc/passwd\n",
    "list.yaml": "- tester\n",
    "text.yaml": "tester: [x\n",
    "ghost.yaml": "reviewer: ghost\n",
    "seat.yaml": "reviewer: developer\n",
    "ghostly.yaml": "integrator: ghost\n",
  });
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["colour", "agents/bad-team", /colour\.yaml[\s\S]*"colour"/],
    ["tier", "agents/bad-team", /tier\.yaml[\s\S]*developer/],
    ["path", "agents/bad-team", /path\.yaml[\s\S]*name of a role file[\s\S]*tester/],
    ["list", "agents/bad-team", /list\.yaml/],
    ["text", "agents/bad-team", /text\.yaml is not YAML/],
    ["ghost", "agents/bad-prompt", /no role ghost, which .*ghost\.yaml names under reviewer: no ghost\.md in /],
    ["ghostly", "agents/bad-prompt", /names under integrator/],
    ["seat", "agents/bad-prompt", /developer\.md is for the role developer, not reviewer/],
    ["nobody", "agents/unknown-team", /no team nobody; there are colour, .*, team.* Looked for .*nobody\.yaml/],
    ["./no/team.yaml", "agents/unknown-team", /no team \.\/no\/team\.yaml/],
  ];
  for (const [team, code, message] of cases)
    await assert.rejects(load({ overrides: [bad], team }), { code, message, exitCode: 2 }, team);
  await assert.rejects(load({ own: bad }), { code: "agents/bad-prompt", message: /for the seat (?:tester|product)/ });
  mkdirSync(join(bad, "dir.yaml"));
  await assert.rejects(load({ overrides: [bad], team: "dir" }), { code: "agents/bad-team", message: /can't be read/ });
});

test("ATOS's own roles are short", () => {
  for (const seat of SEATS) {
    const text = readFileSync(join(OWN, `${seat}.md`), "utf8");
    assert.ok(text.length < 2200, `${seat}: ${text.length} characters`);
  }
});
