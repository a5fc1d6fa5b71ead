import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Installation } from "./fixtures/atos.ts";
import { gitIn } from "./fixtures/build-with.ts";
import type { FakeReply } from "./fixtures/fake-openai-server.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";
import { good, startTeamServer } from "./fixtures/team-server.ts";

/*
 * A developer who talks too much for its context, whose worker is killed in the middle of a turn. Its first
 * reply is refused and told so, and must be shortened for the next to fit; that one is refused too and drawn
 * again; and there the worker dies. The server tells no usage, so that nobody learns what its tokens are worth.
 */
const BABBLE = "sorry ".repeat(700);
const replies: FakeReply[] = [
  { kind: "text", text: BABBLE },
  { kind: "text", text: "Still no code." },
  { kind: "hang" },
];

const atos = new Installation({ ATOS_CONTEXT_TOKENS: "2600" });
const server = await startTeamServer((role) => {
  const { kind, text } = good(role);
  return (role === "developer" ? replies.shift() : undefined) ?? { kind, text };
});
after(async () => {
  await atos[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

type Chat = { readonly messages: readonly { readonly content: string }[]; readonly seed: number };

function developerChats(): readonly Chat[] {
  return server.chats.map(({ body }): Chat => Object(body)).filter(({ messages }) => isDeveloper(messages));
}

function isDeveloper(messages: Chat["messages"]): boolean {
  return messages[0]?.content.includes("You are a developer") === true;
}

test("a build that is killed goes on with the context its recorded turns led to: shortened, refused and drawn again", async () => {
  const client = atos.start(["build", "Write add_numbers", "--model", `${server.baseUrl}#m`, "--out", "o", "--json"]);
  for (let i = 0; i < 600 && developerChats().length < 3; i++) await setTimeout(50);
  const [first, told, hung] = developerChats();
  assert.ok(first !== undefined && told !== undefined && hung !== undefined, atos.workerLog());
  const worker = atos.workerPid();
  assert.ok(worker !== undefined);
  process.kill(worker, "SIGKILL");
  const { code, stdout, stderr } = await client.ended;
  assert.equal(code, 0, stderr);
  assert.equal(gitIn(atos.path("o"), "branch", "--show-current"), "main");

  assert.deepEqual(developerChats()[3], hung);
  assert.equal(developerChats().length, 4);
  assert.equal(hung.seed, told.seed + 1);
  assert.deepEqual(hung.messages, told.messages);
  assert.deepEqual(told.messages.slice(0, first.messages.length), first.messages);
  const shortened = told.messages[first.messages.length]?.content ?? "";
  assert.ok(shortened.length < 400 && shortened.includes("characters left out"), shortened);

  const id = /"build-queued","build":"([^"]+)"/.exec(stdout)?.[1] ?? "";
  assert.deepEqual(journalProblems(await journalOf(atos, id)), []);
  const shown = await atos.run("debug", "code", "--full");
  assert.match(shown.stdout, /shortened from \d+ tokens, in characters: reply 4200 → \d+/);
  assert.match(shown.stdout, /turn-3 · developer · m · attempt 2/);
});
