import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import type { Seat } from "../src/agents/role.ts";
import { Workspaces } from "../src/journal/workspaces.ts";
import { findBuild } from "../src/store/builds.ts";
import { openDatabase } from "../src/store/database.ts";
import { replayBuild } from "../src/workflows/replay-build.ts";
import { Installation } from "./fixtures/atos.ts";
import { assertGreen, type Built, eventsOf, gitIn } from "./fixtures/build-with.ts";
import { file, plan, spec, tests, type TaskPlan } from "./fixtures/cued-team.ts";
import type { FakeOpenAiServer, FakeReply, FakeUsage } from "./fixtures/fake-openai-server.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";
import { writeTeam } from "./fixtures/scripted-team.ts";
import { startNoticeServer } from "./fixtures/notice-server.ts";
import { good, startTeamServer } from "./fixtures/team-server.ts";

/* Developers that act with tools, in whole builds: a real worker, sandbox, gate and journal; a server plays the models. */

const SECRET = ["hush", "hush", "4711"].join("-");
const SIGNING = "of the webhook";
const webhook = await startNoticeServer();
const { notices } = webhook;
const atos = new Installation({
  MY_SERVICE_TOKEN: SECRET,
  ATOS_APPROVAL_WEBHOOK: webhook.url,
});
mkdirSync(atos.path(".config/atos"), { recursive: true });
writeFileSync(atos.path("signing"), `${SIGNING}\n`);
writeFileSync(atos.path(".config/atos/config.yaml"), `approval_secret_file: ${atos.path("signing")}\n`);
writeFileSync(
  atos.path(".config/atos/policy.yaml"),
  "rules:\n  - { tool: run_command, command: 'rm **', decide: ask, why: it removes files }\n",
);
after(async () => {
  await atos[Symbol.asyncDispose]();
  await webhook[Symbol.asyncDispose]();
});

const chatSchema = z.object({ messages: z.array(z.object({ role: z.string(), content: z.string() })) });

type Heard = {
  /** What was said so far, the reply to come not counted. */
  readonly turn: number;
  readonly last: string;
  readonly all: string;
};
type Act = (heard: Heard) => string;

/** A team whose developers say what `acts` tells for their task. */
async function team(
  acts: Readonly<Record<string, Act>>,
  tasks: readonly TaskPlan[],
  /** Of a developer's turns after the first. */
  usage: "counted" | FakeUsage = "counted",
) {
  let server: FakeOpenAiServer | undefined;
  const others: Readonly<Partial<Record<Seat, (said: string) => string>>> = {
    "product-manager": () => spec(tasks.length),
    "tech-lead": () => plan(...tasks.map((one) => ({ tier: "medium" as const, ...one }))),
    tester: (said) => tests(taskIn(said), tasks.findIndex(({ id }) => id === taskIn(said)) + 1),
  };
  const taskIn = (said: string): string =>
    tasks.find(({ id }) => said.includes(`TASK: ${id}\nTIER`))?.id ?? assert.fail(said);
  const play = (role: Seat): FakeReply => {
    const { messages } = chatSchema.parse(server?.chats.at(-1)?.body);
    const all = messages.map(({ content }) => content).join("\n");
    if (role !== "developer") return { ...good(role), text: others[role]?.(all) ?? good(role).text };
    const turn = messages.filter((message) => message.role === "assistant").length;
    const said = acts[taskIn(all)]?.({ turn, last: messages.at(-1)?.content ?? "", all }) ?? assert.fail(all);
    return { kind: "text", text: said, usage: turn === 0 ? "counted" : usage };
  };
  server = await startTeamServer(play);
  const roster = writeTeam(atos.path(`team-${server.baseUrl.replace(/\D/g, "")}`), {}, { server: server.baseUrl });
  return { server, args: ["--roster", roster, "--team", "tools", "--yes"] };
}

let builds = 0;

async function build(goal: string, args: readonly string[]): Promise<Built> {
  const out = `out-${++builds}`;
  const { code, lines, stderr } = await atos.json("build", goal, "--out", out, ...args);
  const last = lines.at(-1) ?? {};
  assert.equal(last["type"], "result", `${stderr}\n${JSON.stringify(last)}\n${atos.workerLog()}`);
  return { code, id: String(last["build"]), state: last["state"], out: atos.path(out), lines, stderr };
}

function call(name: string, values: Readonly<Record<string, unknown>>): string {
  return `I will.\n<tool_call>\n${JSON.stringify({ name, arguments: values })}\n</tool_call>`;
}

function says(...replies: readonly string[]): Act {
  return ({ turn, all }) => replies[turn] ?? assert.fail(`nothing to say at turn ${turn} of:\n${all}`);
}

function callsOf(built: Pick<Built, "lines">): readonly string[] {
  return eventsOf(built, "tool-called").map(({ tool, outcome }) => `${String(tool)} ${String(outcome)}`);
}

test("a developer writes, tests and mends with tools; no secret of this machine gets into a prompt", async () => {
  const encoded = Buffer.from(SECRET).toString("base64");
  const { server, args } = await team(
    {
      one: says(
        call("write_file", { path: "one.py", content: "def one():\n    return 7\n" }),
        call("run_tests", { path: "test_one.py" }),
        call("run_command", { command: `printf %s ${encoded} | base64 -d; touch one.pyc` }),
        call("edit_file", { path: "one.py", search: "return 7", replace: "return 1" }),
        call("run_tests", {}),
        "The tests pass.",
      ),
    },
    [{ id: "one" }],
  );
  await using _ = server;
  const built = await build("Write a demo", args);
  assertGreen(built);
  assert.deepEqual(callsOf(built), ["write_file ok", "run_tests ok", "run_command ok", "edit_file ok", "run_tests ok"]);
  assert.equal(readFileSync(join(built.out, "one.py"), "utf8"), "def one():\n    return 1\n");
  assert.ok(!gitIn(built.out, "ls-files").includes("pyc"));
  const prompts = JSON.stringify(server.chats.map(({ body }) => body));
  assert.match(prompts, /known secret taken out/);
  assert.ok(!prompts.includes(SECRET));
  assert.ok(!JSON.stringify(built.lines).includes(SECRET));
  assert.deepEqual(journalProblems(await journalOf(atos, built.id)), []);
  await assertReplays(built.id);
});

/** Its journal alone comes to the same commits: no tool is called. */
async function assertReplays(id: string): Promise<void> {
  const { databaseUrl }: { databaseUrl: string } = JSON.parse(readFileSync(join(atos.home, "worker.json"), "utf8"));
  await using db = openDatabase(databaseUrl);
  const found = (await findBuild(db, id)) ?? assert.fail(id);
  const workspaces = Workspaces.look(join(atos.home, "workspaces.git"));
  const replay = await replayBuild({ db, workspaces }, found, new AbortController().signal);
  assert.equal(replay.kind, "same", JSON.stringify(replay));
}

test("what is not the task's is put back or dropped; a new file is told, and goes", async () => {
  const { server, args } = await team(
    {
      one: says(
        call("write_file", { path: "one.py", content: "def one():\n    return 1\n" }),
        call("run_command", { command: "echo pass > test_one.py; : > README.md; echo try > scratch.py; mkdir empty" }),
        "Done.",
        call("delete_file", { path: "scratch.py" }),
        "Removed.",
      ),
    },
    [{ id: "one" }],
  );
  await using _ = server;
  const built = await build("Write a demo", args);
  assertGreen(built);
  assert.deepEqual(
    eventsOf(built, "reply-rejected").map(({ why }) => why),
    ["scratch.py is not of this task; its files are one.py"],
  );
  assert.deepEqual(
    eventsOf(built, "files-put-back").map(({ paths }) => paths),
    [["README.md", "test_one.py"]],
  );
  assert.deepEqual(gitIn(built.out, "ls-files", "*.py").split("\n"), ["one.py", "test_one.py"]);
});

test("a repair goes on in the same conversation, with the files as they were taken", async () => {
  const shown = file("one.py", "def one():", "    return 1");
  const { server, args } = await team(
    {
      one: says(
        call("write_file", { path: "one.py", content: "def one():\n    return 3\n" }),
        "I think it is right.",
        call("read_file", { path: "one.py" }),
        `It is 1:\n\n${shown}`,
        "That was all.",
      ),
    },
    [{ id: "one" }],
  );
  await using _ = server;
  const built = await build("Write a demo", args);
  assertGreen(built);
  assert.deepEqual(callsOf(built), ["write_file ok", "read_file ok", "write_file ok"]);
  const said = JSON.stringify(server.chats.at(-2)?.body);
  assert.match(said, /I think it is right.*That did not pass:.*return 3/);
  assert.deepEqual(
    eventsOf(built, "tier-ended").map(({ tier, samples, rounds }) => ({ tier, samples, rounds })),
    [{ tier: "medium", samples: 1, rounds: 1 }],
  );
});

test("at the limit what the developer has written by then is delivered", async () => {
  const { server, args } = await team(
    {
      one: says(call("write_file", { path: "one.py", content: "def one():\n    return 1\n" }), call("run_tests", {})),
    },
    [{ id: "one" }],
    { prompt_tokens: 900_000, completion_tokens: 1 },
  );
  await using _ = server;
  const built = await build("Write a demo", [...args, "--max-tokens", "500000"]);
  assert.deepEqual([built.code, built.state], [1, "red"], built.stderr);
  assert.equal(eventsOf(built, "limit-reached").length, 1);
  assert.equal(readFileSync(join(built.out, "one.py"), "utf8"), "def one():\n    return 1\n");
  await assertReplays(built.id);
});

test("a question holds up one task alone, reaches a person by a signed notice, and its answer lets it go on", async () => {
  const write = (id: string, result: number): string =>
    call("write_file", { path: `${id}.py`, content: `def ${id}():\n    return ${result}\n` });
  const remove = call("run_command", { command: "rm -f old.txt" });
  const { server, args } = await team(
    {
      one: says(remove, write("one", 1), "Done."),
      two: says(write("two", 2), "Done."),
      three: says(remove, write("three", 3), "Done."),
    },
    [{ id: "one" }, { id: "two" }, { id: "three", after: "one" }],
  );
  await using _ = server;
  const before = notices.length;
  const built = build("Write a demo", args);
  const first = await openQuestion();
  const notice = await told(before);
  assert.deepEqual([notice.body["type"], notice.body["approval"]], ["approval-asked", first.id]);
  assert.match(notice.signature ?? "", /^sha256=[0-9a-f]{64}$/);
  await untilState(first.build, "two", "green");
  assert.equal((await openQuestion()).id, first.id);
  assert.equal((await atos.run("approve", first.id)).code, 0);
  const second = await openQuestion(first.id);
  assert.equal((await atos.run("deny", second.id, "--reason", "there is none")).code, 0);
  const ended = await built;
  assertGreen(ended);
  assert.deepEqual(
    eventsOf(ended, "tool-called")
      .filter(({ tool }) => tool === "run_command")
      .map(({ task, outcome }) => [task, outcome]),
    [
      ["one", "ok"],
      ["three", "denied"],
    ],
  );
  assert.match(JSON.stringify(server.chats.map(({ body }) => body)), /A person said no\. They say: there is none\./);
  assert.equal(eventsOf(ended, "approval-notice-failed").length, 0);
});

const questionSchema = z.array(z.object({ id: z.string(), build: z.string() }));

/** The one question that is open, when it is another than `not`. */
async function openQuestion(not = ""): Promise<{ readonly id: string; readonly build: string }> {
  for (let tries = 0; tries < 120; tries++) {
    const { lines } = await atos.json("approve");
    const [question] = questionSchema.parse(lines[0]);
    if (question !== undefined && question.id !== not) return question;
    await setTimeout(250);
  }
  return assert.fail(`nobody asked\n${atos.workerLog()}`);
}

async function told(index: number): Promise<(typeof notices)[number]> {
  for (let tries = 0; tries < 40 && notices.length <= index; tries++) await setTimeout(250);
  return notices[index] ?? assert.fail("nobody was told");
}

async function untilState(id: string, task: string, state: string): Promise<void> {
  for (let tries = 0; tries < 120; tries++) {
    const { events } = await journalOf(atos, id);
    if (events.some(({ event }) => event.type === "task-state" && event.task === task && event.state === state)) return;
    await setTimeout(250);
  }
  assert.fail(`${task} never was ${state}`);
}

test("killed in the middle of a call, a build comes to the same files, with nothing done twice", async () => {
  const append = "echo '# once' >> one.py; for i in 1 2 3 4 5 6 7 8; do sleep 0.25; done";
  const acts = {
    one: says(
      call("write_file", { path: "one.py", content: "def one():\n    return 1\n" }),
      call("run_command", { command: append }),
      call("run_command", { command: "echo '# twice' >> one.py" }),
      "Done.",
    ),
  };
  const { server, args } = await team(acts, [{ id: "one" }]);
  await using _ = server;
  const client = atos.start(["build", "Write a demo", "--out", "killed", ...args, "--json"]);
  const id = await calling(client, append);
  await setTimeout(300);
  process.kill(atos.workerPid() ?? assert.fail("no worker"), "SIGKILL");
  const { stdout, stderr } = await client.ended;
  const state = (await atos.json("status", id)).lines[0]?.["state"];
  assert.equal(state, "green", `${stderr}\n${stdout}\n${atos.workerLog()}`);
  assert.equal(readFileSync(atos.path("killed", "one.py"), "utf8"), "def one():\n    return 1\n# once\n# twice\n");
  const journal = await journalOf(atos, id);
  assert.deepEqual(journalProblems(journal), []);
  const calls = journal.events.flatMap(({ event }) => (event.type === "tool-called" ? [event.tool] : []));
  assert.deepEqual(calls, ["write_file", "run_command", "run_command"]);
  const attempts = journal.effects.filter(({ kind }) => kind === "tool").map((effect) => effect.attempts);
  assert.deepEqual(attempts, [1, 2, 1]);
});

/** The build's id, as soon as a call with this text has begun. */
function calling(client: ReturnType<Installation["start"]>, command: string): Promise<string> {
  const words = JSON.stringify(command).slice(1, 20);
  return new Promise((resolve, reject) => {
    let said = "";
    client.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      const id = /"build-queued","build":"([^"]+)"/.exec(said)?.[1];
      const begun = said.split("\n").some((line) => line.includes('"attempt-started"') && line.includes(words));
      if (id !== undefined && begun) resolve(id);
    });
    client.ended.then(({ stderr }) => reject(new Error(`it never called: ${stderr}\n${said}`)), reject);
  });
}

test("a role that names a tool which does not exist is refused before anything begins", async () => {
  const roster = writeTeam(atos.path("mine"));
  const own = readFileSync(new URL("../roles/developer-with-tools.md", import.meta.url), "utf8");
  writeFileSync(atos.path("mine", "handy.md"), own.replace("tools: [", "tools: [run_shell, "));
  writeFileSync(atos.path("mine", "handy.yaml"), "developer: handy\n");
  const { code, stderr } = await atos.run(
    "build",
    "Write a demo",
    "--out",
    "never",
    "--team",
    "mine/handy.yaml",
    "--roster",
    roster,
  );
  assert.equal(code, 2, stderr);
  assert.match(stderr, /the role handy names run_shell, and there is no such tool\. Tools are: read_file, /);
  assert.equal(existsSync(atos.path("never")), false);
});
