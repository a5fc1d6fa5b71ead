import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import { openDatabase } from "../src/store/database.ts";
import { Installation } from "./fixtures/atos.ts";
import { assertGreen, assertNoStackTrace, buildWith, eventsOf, receiptOf } from "./fixtures/build-with.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";
import { GOOD, writeTeam } from "./fixtures/scripted-team.ts";
import { good, startTeamServer } from "./fixtures/team-server.ts";

const IS_ROOT = process.getuid?.() === 0;
const GOAL = "Write add_numbers";

const atos = new Installation();
let silent = false;
const server = await startTeamServer((role) => (role === "tester" && silent ? { kind: "hang" } : good(role)));
after(async () => {
  await atos[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
const MODEL = ["--model", `${server.baseUrl}#m`] as const;

writeFileSync(atos.path("file"), "");
mkdirSync(atos.path("full"));
writeFileSync(atos.path("full", "precious.txt"), "");
mkdirSync(atos.home, { recursive: true, mode: 0o700 });
for (const [name, text] of Object.entries({
  "unknown-key": "name: x\ncolour: red\nmodels: {}\ntiers: { simple: a, medium: a, complex: a }",
  undefined: "name: x\nmodels: {}\ntiers: { simple: ghost, medium: ghost, complex: ghost }",
  "no-yaml": "name: [",
}))
  writeFileSync(atos.path(`${name}.yaml`), text);

/** Wishes that can be put right by asking otherwise: exit 2, at once. */
const WRONG: readonly { name: string; args: readonly string[]; says: RegExp }[] = [
  { name: "an empty goal", args: ["build", " ", "--out", "o"], says: /the goal is empty; say what to build/ },
  {
    name: "a goal of 100 kB",
    args: ["build", "a".repeat(100_000), "--out", "o"],
    says: /the goal is 100000 bytes; at most 16384 are taken/,
  },
  {
    name: "a goal with control characters",
    args: ["build", "add\u001b[31m", "--out", "o"],
    says: /the goal holds the control character U\+001B/,
  },
  { name: "no --out", args: ["build", GOAL], says: /--out DIR/ },
  { name: "an empty --out", args: ["build", GOAL, "--out", ""], says: /can't deliver to "": it is no name/ },
  {
    name: "an --out that is not empty",
    args: ["build", GOAL, "--out", "full"],
    says: /can't deliver to full: it exists and is not empty \(precious\.txt\)/,
  },
  {
    name: "an --out that is a file",
    args: ["build", GOAL, "--out", "file"],
    says: /can't deliver to file: it is a file, not a folder\. Name a new/,
  },
  { name: "an --out below a file", args: ["build", GOAL, "--out", "file/x"], says: /file is a file/ },
  {
    name: "an --out where nothing can be written",
    args: ["build", GOAL, "--out", "/proc/atos-out"],
    says: /can't deliver to \/proc\/atos-out: nothing can be written there/,
  },
  {
    name: "an --out inside ATOS's own state",
    args: ["build", GOAL, "--out", "home/x"],
    says: /inside ATOS's own state folder/,
  },
  {
    name: "a model nobody knows",
    args: ["build", GOAL, "--out", "o", "--model", "ghost"],
    says: /there is no model called ghost\. Give "nano"/,
  },
  {
    name: "a roster that is not there",
    args: ["build", GOAL, "--out", "o", "--roster", "ghost.yaml"],
    says: /the roster \S+\/ghost\.yaml can't be read/,
  },
  {
    name: "a roster of ATOS that there is not",
    args: ["build", GOAL, "--out", "o", "--roster", "9gb"],
    says: /there is no roster 9gb; give a file, or one of .*8gb/,
  },
  {
    name: "a roster with a key nobody knows",
    args: ["build", GOAL, "--out", "o", "--roster", "unknown-key.yaml"],
    says: /unknown-key\.yaml is not valid:\n.*"colour"/,
  },
  {
    name: "a roster that uses a model it does not define",
    args: ["build", GOAL, "--out", "o", "--roster", "undefined.yaml"],
    says: /uses a model ghost that is not under its models/,
  },
  {
    name: "a roster that is no YAML",
    args: ["build", GOAL, "--out", "o", "--roster", "no-yaml.yaml"],
    says: /no-yaml\.yaml is not YAML/,
  },
  {
    name: "two choices of models",
    args: ["build", GOAL, "--out", "o", "--roster", "x", "--model", "nano"],
    says: /--model or --roster, not both/,
  },
  { name: "a seed that is none", args: ["build", GOAL, "--out", "o", "--seed", "-1"], says: /--seed must be/ },
  { name: "an unknown command", args: ["frobnicate"], says: /unknown command 'frobnicate'/ },
  { name: "an unknown option", args: ["build", GOAL, "--fast"], says: /unknown option '--fast'/ },
  {
    name: "a receipt where there is none",
    args: ["receipt", "verify", "full"],
    says: /full is no git repository; name the/,
  },
  { name: "a receipt of no folder", args: ["receipt", "verify", "none"], says: /there is no folder \S+none; name the/ },
  {
    name: "a team nobody knows, also with the built-in model",
    args: ["build", "Write add_numbers that adds two numbers", "--out", "o", "--team", "nope"],
    says: /there is no team nope; there are team, tools\. Give one of these/,
  },
];

for (const { name, args, says } of WRONG) {
  test(`${name} is a usage error, and no worker is started for it`, async () => {
    const { code, stdout, stderr } = await atos.run(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
    assert.equal(stdout, "");
    assertNoStackTrace(stderr);
    assert.equal(atos.workerPid(), undefined);
  });
}

test("a bad setting is named with the file it stands in", async () => {
  const files = [atos.path(".atos", "config.yaml"), atos.path(".config", "atos", "config.yaml")];
  for (const file of files) {
    mkdirSync(file.replace("/config.yaml", ""), { recursive: true });
    for (const [text, says] of [
      ["modle: nano", '"modle"'],
      ["context_tokens: many", "context_tokens"],
      ["- a list", "must hold key: value lines"],
    ] as const) {
      writeFileSync(file, text);
      const { code, stderr } = await atos.run("config", "show");
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(file.replace(`${atos.root}/`, "")) && stderr.includes(says), stderr);
      assertNoStackTrace(stderr);
    }
    rmSync(file);
  }
});

test("surroundings that are wrong are told with the name of the variable", async () => {
  await using relative = new Installation({ ATOS_HOME: "somewhere" });
  const home = await relative.run("list");
  assert.equal(home.code, 2);
  assert.match(home.stderr, /ATOS_HOME must be an absolute path, not "somewhere"/);

  await using noDatabase = new Installation({
    DATABASE_URL: `postgres://someone:hunter2@127.0.0.1:${await freePort()}/x`,
  });
  const database = await noDatabase.run("list");
  assert.equal(database.code, 3, database.stderr);
  assert.match(database.stderr, /the database in DATABASE_URL can't be used: .*ECONNREFUSED/);
  assert.doesNotMatch(database.stderr + noDatabase.workerLog(), /hunter2/);
  assertNoStackTrace(database.stderr);
});

test("a model that can't be used ends the build at once, and the folder is free for the next", async () => {
  writeTeam(atos.path("team"), { developer: GOOD.developer }, { server: server.baseUrl });
  writeFileSync(atos.path("text.gguf"), "This is no model.");
  writeFileSync(atos.path("short.gguf"), readFileSync(atos.path("team", "developer.gguf")));
  truncateSync(atos.path("short.gguf"), 20_000);
  const models = [
    { model: "./ghost.gguf", says: /there is no model file .*ghost\.gguf/ },
    { model: "./text.gguf", says: /text\.gguf can't be used: it begins with "This"/ },
    { model: "./short.gguf", says: /short\.gguf can't be used: it is cut short/ },
  ];
  for (const { model, says } of models) {
    const built = await buildWith(atos, "again", ["--model", model]);
    assert.deepEqual([built.code, built.state], [3, "refused"], model);
    assert.match(String(eventsOf(built, "build-finished")[0]?.["why"]), says);
  }
  // A server is asked what it holds before anything is recorded.
  const away = `http://127.0.0.1:${await freePort()}/v1#m`;
  const unreachable = await atos.run("build", GOAL, "--out", "again", "--model", away);
  assert.equal(unreachable.code, 3);
  assert.match(unreachable.stderr, /no model server answers at .*start one/);
  const resumed = await atos.run("resume");
  assert.equal(resumed.code, 2);
  assert.match(resumed.stderr, /there is no unfinished build/);
  assertGreen(await buildWith(atos, "again", MODEL));
});

test("of two builds into one folder the second is told the first", async () => {
  silent = true;
  const clients = [1, 2].map(() => atos.start(["build", GOAL, "--out", "one", ...MODEL]));
  const late = await Promise.race(clients.map(({ ended }) => ended));
  assert.equal(late.code, 2, late.stderr);
  const first = /build (\S+) \((?:queued|running)\) delivers to/.exec(late.stderr)?.[1] ?? "nobody";
  const third = await atos.run("build", GOAL, "--out", "./one/", ...MODEL);
  assert.equal(third.code, 2);
  assert.match(third.stderr, new RegExp(`build ${first} \\(running\\) delivers to .*atos resume ${first}`));
  const cancelled = await atos.run("cancel", first);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  const codes = (await Promise.all(clients.map(({ ended }) => ended))).map(({ code }) => code);
  assert.deepEqual(new Set(codes), new Set([1, 2]));
  silent = false;
});

test("a folder that only its owner may enter is enough to live in", async () => {
  assert.equal(statSync(atos.root).mode & 0o777, 0o700);
  assertGreen(await buildWith(atos, "private", MODEL));
});

test("where the sandbox that was asked for does not work nothing is run, unless a person says so", async (t) => {
  if (!IS_ROOT) t.diagnostic("not root, so bubblewrap can't be hidden: only --unsafe is tried");
  await using bare = new Installation({ ATOS_SANDBOX: "bubblewrap" }, IS_ROOT ? WITHOUT_BWRAP : []);
  if (IS_ROOT) {
    const refused = await buildWith(bare, "out", MODEL);
    assert.deepEqual([refused.code, refused.state], [3, "refused"]);
    assert.match(
      String(eventsOf(refused, "build-finished")[0]?.["why"]),
      /no sandbox.*apt-get install bubblewrap.*--unsafe/,
    );
    const doctor = await bare.run("doctor");
    assert.equal(doctor.code, 3);
    assert.match(doctor.stdout, /✘ sandbox .*bubblewrap/);
  }
  const built = await buildWith(bare, "out", [...MODEL, "--unsafe"]);
  assertGreen(built);
  const verification: { sandbox?: unknown } = Object(receiptOf(built.out)["verification"]);
  assert.equal(verification.sandbox, "none");
  assert.equal(eventsOf(built, "build-started")[0]?.["sandbox"], "none");
  if (IS_ROOT) {
    const verified = await bare.run("receipt", "verify", "out");
    assert.equal(verified.code, 3, verified.stdout);
    assert.match(verified.stderr, /apt-get install bubblewrap/);
  }
  const verified = await bare.run("receipt", "verify", "out", "--unsafe");
  assert.equal(verified.code, 0, verified.stderr);
});

test("without bubblewrap a build is checked at the next level, and its receipt and doctor say so", async (t) => {
  if (!IS_ROOT) {
    t.diagnostic("not root, so bubblewrap can't be hidden: this test has to be run as root");
    return;
  }
  await using bare = new Installation({}, WITHOUT_BWRAP);
  const doctor = await bare.run("doctor");
  assert.match(doctor.stdout, /sandbox .*landlock/);
  const built = await buildWith(bare, "out", MODEL);
  assertGreen(built);
  const verification: { sandbox?: unknown } = Object(receiptOf(built.out)["verification"]);
  assert.equal(verification.sandbox, "landlock");
  assert.equal(eventsOf(built, "build-started")[0]?.["sandbox"], "landlock");
  const verified = await bare.run("receipt", "verify", "out");
  assert.equal(verified.code, 0, verified.stderr);
});

const HIDE_BWRAP = 'for file in $(which -a bwrap); do mount --bind /dev/null "$file" || exit 99; done; exec "$@"';
const WITHOUT_BWRAP = ["unshare", "--mount", "sh", "-c", HIDE_BWRAP, "sh"];
const DISK_MIB = 256;

test("a full disk is told, and what was begun goes on when there is room again", async (t) => {
  if (!IS_ROOT) {
    t.diagnostic("not root, so no small disk can be mounted: this test has to be run as root");
    return;
  }
  await using atos = new Installation();
  mkdirSync(atos.home, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m,mode=0700`, "atos-test", atos.home]);
  try {
    fillDisk(atos);
    const refused = await atos.run("build", GOAL, "--out", "out", ...MODEL);
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /the disk that holds .*home is full\. Make room/);
    assertNoStackTrace(refused.stderr);
    freeDisk(atos);

    silent = true;
    const client = atos.start(["build", GOAL, "--out", "out", "--json", ...MODEL]);
    let text = "";
    client.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    for (let i = 0; i < 300 && !text.includes('"step":"tests/turn-1"'); i++) await setTimeout(100);
    const id = /"build-queued","build":"([^"]+)"/.exec(text)?.[1] ?? "none";
    fillDisk(atos);
    silent = false;
    const { code, stderr } = await client.ended;
    assert.equal(code, 3, stderr);
    assert.match(stderr, /the disk that holds .*home.* is full.*Make room/);
    assert.match(stderr, new RegExp(`build ${id} is kept\\. Go on: atos resume ${id}`));
    assertNoStackTrace(stderr);
    freeDisk(atos);
    const resumed = await atos.run("resume", id);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.deepEqual(journalProblems(await journalOf(atos, id)), []);
  } finally {
    await atos.stopWorker();
    execFileSync("umount", ["-l", atos.home]);
  }
});

function fillDisk({ home }: Installation): void {
  try {
    execFileSync("dd", ["if=/dev/zero", `of=${home}/fill`, "bs=64k"], { stdio: "ignore" });
  } catch {
    // What fills a disk fails in the end.
  }
}

function freeDisk({ home }: Installation): void {
  rmSync(`${home}/fill`);
}

test("a database of a newer version is left alone and named", async () => {
  // The last test of this installation: nothing works on its database any more.
  assert.equal((await atos.run("list")).code, 0);
  const { databaseUrl }: { databaseUrl: string } = JSON.parse(readFileSync(`${atos.home}/worker.json`, "utf8"));
  const db = openDatabase(databaseUrl);
  await sql`insert into atos.migrations (name, sha256) values ('9999-future.sql', 'x')`.execute(db);
  await db.destroy();
  await atos.stopWorker();
  const listed = await atos.run("list");
  assert.equal(listed.code, 3, listed.stderr);
  assert.match(listed.stderr, /The database has 9999-future\.sql, which this version of ATOS doesn't know/);
  assertNoStackTrace(listed.stderr);
});

/** A port of the loopback on which nothing listens. */
async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  await new Promise<void>((resolve) => listener.close(() => resolve()));
  assert.ok(address !== null && typeof address !== "string");
  return address.port;
}
