import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { NOTE_LIMITS, noteProblem } from "./note-store.ts";
import { openNotes } from "./open-notes.ts";

let base = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "atos-notes-test-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const notes = () => openNotes(join(base, "notes"), () => new Date(0));
const file = () => join(base, "notes", "notes.jsonl");

test("what was remembered is found again, by another process too", async () => {
  const { note, added } = await notes().add({ text: " The port is 8123. ", tags: ["server"] });
  assert.deepEqual(
    { text: note.text, tags: note.tags, at: note.at, added },
    { text: "The port is 8123.", tags: ["server"], at: "1970-01-01T00:00:00.000Z", added: true },
  );
  await notes().add({ text: "Dates are ISO 8601.", tags: [] });
  assert.deepEqual(await notes().search("which port?", 3), [{ ...note, covered: 1 }]);
  assert.deepEqual(
    (await notes().list(5)).map(({ text }) => text),
    ["Dates are ISO 8601.", "The port is 8123."],
  );
});

test("the same words are one note, which gathers its tags", async () => {
  const first = await notes().add({ text: "Use tabs", tags: ["style"] });
  assert.deepEqual(await notes().add({ text: "use  TABS", tags: ["style"] }), { note: first.note, added: false });
  const third = await notes().add({ text: "Use tabs", tags: ["python"] });
  assert.deepEqual(third, { note: { ...first.note, tags: ["style", "python"] }, added: false });
  assert.deepEqual(await notes().list(5), [third.note]);
  assert.equal(readFileSync(file(), "utf8").split("\n").length, 3);
});

test("a forgotten note is not found, and can be remembered again", async () => {
  const { note } = await notes().add({ text: "A secret plan", tags: [] });
  assert.equal(await notes().forget(note.id), true);
  assert.equal(await notes().forget(note.id), false);
  assert.deepEqual(await notes().search("plan", 3), []);
  assert.equal((await notes().add({ text: "A secret plan", tags: [] })).added, true);
});

test("a line that a crash cut off takes no other with it", async () => {
  await notes().add({ text: "Before", tags: [] });
  appendFileSync(file(), '{"add":"half');
  await notes().add({ text: "After", tags: [] });
  assert.deepEqual(
    (await notes().list(5)).map(({ text }) => text),
    ["After", "Before"],
  );
});

test("in a full file notes are still found and forgotten, and none is added", async () => {
  const { note } = await notes().add({ text: "Before", tags: [] });
  appendFileSync(file(), `${" ".repeat(NOTE_LIMITS.fileBytes)}\n`);
  await assert.rejects(notes().add({ text: "After", tags: [] }), { code: "memory/full" });
  assert.equal((await notes().search("before", 1)).length, 1);
  assert.equal(await notes().forget(note.id), true);
  assert.deepEqual(await notes().list(5), []);
});

test("notes added at once are all kept", async () => {
  const stores = Array.from({ length: 20 }, (_, index) => notes().add({ text: `note ${index}`, tags: [] }));
  await Promise.all(stores);
  assert.equal((await notes().list(50)).length, 20);
});

test("only the owner may read the file, and a link in its place is not followed", async () => {
  await notes().add({ text: "Mine", tags: [] });
  assert.equal(statSync(file()).mode & 0o777, 0o600);
  rmSync(file());
  writeFileSync(join(base, "elsewhere"), "");
  symlinkSync(join(base, "elsewhere"), file());
  await assert.rejects(notes().add({ text: "Mine", tags: [] }), { code: "ELOOP" });
  assert.equal(readFileSync(join(base, "elsewhere"), "utf8"), "");
});

test("control characters, empty, endless and strangely tagged notes are refused", async () => {
  const problems = [
    { text: "  ", tags: [] },
    { text: "a\u001b[2Jb", tags: [] },
    { text: "a\u202eb", tags: [] },
    { text: "x".repeat(2001), tags: [] },
    { text: "a", tags: ["#!/"] },
    { text: "a", tags: Array.from({ length: 9 }, (_, index) => `t${index}`) },
  ].map(noteProblem);
  assert.deepEqual(problems, [
    "the note is empty",
    "the note has control or direction characters; write it as plain text",
    "the note has control or direction characters; write it as plain text",
    "the note has 2001 characters; 2000 are the most, so keep what matters",
    'the tag "#!/" is not a short plain word',
    "the note has 9 tags; 8 are the most",
  ]);
  assert.equal(noteProblem({ text: "two\nlines\tand a tab", tags: ["größe", "api/v2"] }), undefined);
  await assert.rejects(notes().add({ text: "\u0007", tags: [] }), { code: "memory/bad-note" });
});
