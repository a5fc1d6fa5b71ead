import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { NOTE_LIMITS } from "../../../memory/note-store.ts";
import { openNotes } from "../../../memory/open-notes.ts";
import { openMemoryServer } from "./open-memory-server.ts";

const call = { signal: new AbortController().signal, idempotencyKey: "k" };
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atos-memory-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function use(name: string, input: Record<string, unknown>) {
  const server = openMemoryServer({ notes: openNotes(folder, () => new Date(0)) });
  const tool = server.tools.find((found) => found.name === name);
  assert.ok(tool !== undefined);
  const result = await tool.run(tool.input.parse(input), call);
  if (result.ok) tool.output.parse(result.output);
  return result;
}

test("what is remembered is recalled, and is remembered once", async () => {
  const note = "Dates are ISO 8601.";
  const first = await use("remember", { note, tags: ["api"] });
  assert.ok(first.ok);
  assert.deepEqual(first, { ok: true, output: { ...first.output, added: true }, text: "Remembered." });
  assert.match(String(first.output["id"]), /^[0-9a-f]{16}$/);
  const again = await use("remember", { note });
  assert.deepEqual(again, { ok: true, output: { ...first.output, added: false }, text: "This was known already." });
  assert.deepEqual(await use("recall", { query: "which dates" }), {
    ok: true,
    output: { notes: [{ id: first.output["id"], note, tags: ["api"], at: "1970-01-01T00:00:00.000Z" }] },
    text: "- Dates are ISO 8601. (1970-01-01)",
  });
});

test("notes that hold as much as they may end no work", async () => {
  const path = join(folder, "notes.jsonl");
  await use("remember", { note: "The port is 8123." });
  appendFileSync(path, `${" ".repeat(NOTE_LIMITS.fileBytes)}\n`);
  const why = "The notes hold as much as they may; go on without, a person has to move notes.jsonl away.";
  assert.deepEqual(await use("remember", { note: "another" }), { ok: false, why });
  const found = await use("recall", { query: "port" });
  assert.ok(found.ok);
  assert.equal(found.text, "- The port is 8123. (1970-01-01)");
  appendFileSync(path, `${" ".repeat(NOTE_LIMITS.spareBytes)}\n`);
  assert.deepEqual(await use("recall", { query: "port" }), { ok: false, why });
});

test("nothing found, and what can't be kept, are told", async () => {
  assert.deepEqual(await use("recall", { query: "anything" }), {
    ok: true,
    output: { notes: [] },
    text: "No note has these words.",
  });
  assert.deepEqual(await use("remember", { note: "\u001b]0;title\u0007" }), {
    ok: false,
    why: "Nothing was remembered: the note has control or direction characters; write it as plain text.",
  });
});
