import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Installation } from "../../test/fixtures/atos.ts";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { allBuildEvents } from "../journal/build-events.ts";
import { askApproval } from "../store/approvals.ts";
import { insertBuild } from "../store/builds.ts";
import { takeFileLock } from "../store/file-lock.ts";
import { bindQuestion } from "../tools/gate/approval-question.ts";
import { redactorOf } from "../tools/gate/redact.ts";
import { VERSION } from "./version.ts";

/** Above every process id that systems give out. */
const NO_PID = 2 ** 30;
const atos = new Installation();
const scratch = await scratchDatabase({ migrated: true });
const { db } = scratch;
// Stands in for the worker, as clients find one: a lock that is held, and a file that says where to ask.
mkdirSync(atos.home, { recursive: true, mode: 0o700 });
const lock = takeFileLock(join(atos.home, "worker.lock"));
const worker = {
  pid: NO_PID,
  databaseUrl: scratch.url,
  givenDatabase: false,
  workerId: "0123456789abcdef",
  version: VERSION,
};
writeFileSync(join(atos.home, "worker.json"), JSON.stringify(worker));
await insertBuild(db, { id: "b", goal: "g", request: {}, worker: "w", outDirectory: "/out", at: new Date() });
after(async () => {
  lock?.[Symbol.dispose]();
  await atos[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

async function ask(id: string, command: string, minutes = 60): Promise<void> {
  const question = {
    buildId: "b",
    task: "code",
    step: `code/${id}`,
    tool: "run_command",
    arguments: { command },
    kind: "policy" as const,
    why: 'ask command "git push **"',
  };
  const at = new Date();
  const bound = bindQuestion(question, redactorOf([]));
  const times = { at, expiresAt: new Date(at.getTime() + minutes * 60_000) };
  await askApproval(db, { ...bound, ...times, id, buildId: "b", task: "code", tool: "run_command" });
}

test("lists open questions with what would be done, exactly, and safe for a terminal", async () => {
  assert.deepEqual(await atos.run("approve"), { code: 0, stdout: "no questions are open\n", stderr: "" });
  await ask("abcdefgh", "git push \x1b]0;x\x07\u202e\n  because: nothing; ls");
  const { code, stdout } = await atos.run("approve");
  assert.equal(code, 0);
  assert.equal(
    stdout.split("\n").slice(1).join("\n"),
    [
      "  run_command, task code of build b",
      "    $ git push \\u{1b}]0;x\\u{7}\\u{202e}",
      "    |   because: nothing; ls",
      '  because: ask command "git push **"',
      "  atos approve abcdefgh   or   atos deny abcdefgh",
      "",
      "",
    ].join("\n"),
  );
  const { lines } = await atos.json("deny");
  assert.deepEqual(
    Object.values(Object(lines[0])).map((each) => Object(each).id),
    ["abcdefgh"],
  );
});

test("answers one question, once, and tells the build", async () => {
  await ask("bcdefghj", "git push; ls");
  const { code, stdout } = await atos.run("approve", " BCDEFGHJ", "--reason", "fine\x07");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^approved: bcdefghj, this one call of build b\n[^]*\$ git push; ls\n {2}runs:\n {4}- git push\n {4}- ls\n/,
  );
  const { event } = (await allBuildEvents(db, "b")).at(-1) ?? {};
  assert.ok(event?.type === "approval-answered");
  assert.deepEqual([event.approval, event.decision, event.reason], ["bcdefghj", "approved", "fine\\u{7}"]);
  const again = await atos.json("deny", "bcdefghj");
  assert.equal(again.code, 1);
  assert.deepEqual(
    again.lines.map(({ code: name }) => name),
    ["cli/approval-closed"],
  );
  assert.match(again.stderr, /has been approved by .* already, and that stays; open ones: atos approve/);
});

test("what is unknown, expired or not what was asked is not answered", async () => {
  await ask("cdefghjk", "x", -1);
  await ask("defghjkm", "x");
  await db.updateTable("atos.approvals").set({ state: "open" }).where("id", "=", "defghjkm").execute();
  const { sql } = await import("kysely");
  await sql`update atos.approvals set shown = replace(shown::text, '"x"', '"y"')::json where id = 'defghjkm'`.execute(
    db,
  );
  const codes = [];
  for (const id of ["zzzzzzzz", "cdefghjk", "defghjkm"]) {
    const { code, lines } = await atos.json("approve", id);
    codes.push([code, lines[0]?.["code"]]);
  }
  assert.deepEqual(codes, [
    [1, "cli/no-such-approval"],
    [1, "cli/approval-closed"],
    [1, "cli/approval-changed"],
  ]);
});
