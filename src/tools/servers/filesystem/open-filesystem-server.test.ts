import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import type { ToolResult } from "../../tool.ts";
import { openFilesystemServer } from "./open-filesystem-server.ts";

const base = mkdtempSync(join(tmpdir(), "atos-files-"));
after(() => rmSync(base, { recursive: true, force: true }));

/** A workspace with `files`, and a function that calls a tool as the gate does: parsed arguments, a result back. */
function workspace(files: Readonly<Record<string, string | Buffer>> = {}) {
  const root = mkdtempSync(join(base, "w-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const { tools } = openFilesystemServer({ root });
  const call = async (name: string, input: object): Promise<ToolResult<Record<string, unknown>>> => {
    const tool = tools.find((one) => one.name === name);
    assert.ok(tool, name);
    const result = await tool.run(tool.input.parse(input), {
      signal: AbortSignal.timeout(20_000),
      idempotencyKey: "key",
    });
    if (result.ok) tool.output.parse(result.output);
    return result;
  };
  const why = async (name: string, input: object): Promise<string> => {
    const result = await call(name, input);
    assert.ok(!result.ok, `${name} ${JSON.stringify(input)} went through`);
    assert.doesNotMatch(result.why, new RegExp(`${base}|/proc/`), "a path of the machine");
    return result.why;
  };
  const text = async (name: string, input: object): Promise<string> => {
    const result = await call(name, input);
    assert.ok(result.ok, JSON.stringify(result));
    return result.text ?? "";
  };
  return { root, call, why, text };
}

test("a file is written, read by lines, edited, moved and deleted", async () => {
  const { root, call, text } = workspace();
  assert.equal(
    await text("write_file", { path: "src/größe.py", content: "a = 1\nb = 2\nc = 3\n" }),
    "created src/größe.py (18 bytes)",
  );
  assert.deepEqual(await call("read_file", { path: "src/größe.py", start_line: 2, end_line: 2 }), {
    ok: true,
    output: { path: "src/größe.py", content: "b = 2\n", start_line: 2, end_line: 2, total_lines: 3, cut: false },
    text: "b = 2\n",
  });
  assert.equal(
    await text("edit_file", { path: "src/größe.py", search: "b = 2", replace: "b = 4" }),
    "edited src/größe.py: line 2",
  );
  assert.equal(
    await text("move_file", { path: "src/größe.py", new_path: "lib/b.py" }),
    "moved src/größe.py to lib/b.py",
  );
  assert.equal(readFileSync(join(root, "lib/b.py"), "utf8"), "a = 1\nb = 4\nc = 3\n");
  assert.equal(await text("delete_file", { path: "src" }), "deleted src");
  assert.equal(await text("delete_file", { path: "lib", recursive: true }), "deleted lib (2 entries)");
  assert.deepEqual(readdirSync(root), []);
});

test("writing keeps a file's permissions and leaves nothing beside it", async () => {
  const { root, text } = workspace({ "run.sh": "#!/bin/sh\n" });
  chmodSync(join(root, "run.sh"), 0o750);
  assert.equal(await text("write_file", { path: "run.sh", content: "" }), "replaced run.sh (0 bytes)");
  assert.equal(statSync(join(root, "run.sh")).mode & 0o777, 0o750);
  assert.deepEqual(readdirSync(root), ["run.sh"]);
});

test("listings are sorted, bounded in depth, and leave out what belongs to git and ATOS", async () => {
  const { root, text, call } = workspace({
    "b.py": "",
    "a/x/y/z.py": "",
    "node_modules/m/i.js": "",
    ".git/config": "",
    "v/.GIT/config": "",
    ".atos/s": "",
  });
  symlinkSync("/etc", join(root, "out"));
  writeFileSync(join(root, "two\nlines"), "");
  assert.equal(
    await text("list_files", {}),
    ["a/", "a/x/", "a/x/y/", "b.py", "node_modules/", "out (link)", '"two\\nlines"', "v/"].join("\n"),
  );
  assert.equal(await text("list_files", { path: "a", depth: 1 }), "a/x/");
  assert.deepEqual(await call("list_files", { path: "b.py" }), {
    ok: true,
    output: { entries: [{ path: "b.py", kind: "file", bytes: 0 }], cut: false },
    text: "b.py",
  });
});

test("a listing that is too long says so", async () => {
  const { text } = workspace(Object.fromEntries(Array.from({ length: 510 }, (_, index) => [`f${index}`, ""])));
  const lines = (await text("list_files", {})).split("\n");
  assert.deepEqual([lines.length, lines.at(-1)?.slice(0, 20)], [501, "[the first 500 only;"]);
});

test("a search finds lines by text or expression, in the files that a glob names", async () => {
  const { text } = workspace({
    "a.py": "def add(a, b):\n    return a + b\n",
    "b/c.ts": "add(1)\nadd(2)\n",
    "d.bin": Buffer.from([0, 97, 100, 100]),
  });
  assert.equal(
    await text("search_files", { query: "add(" }),
    "a.py:1: def add(a, b):\nb/c.ts:1: add(1)\nb/c.ts:2: add(2)",
  );
  assert.equal(
    await text("search_files", { query: "add\\(\\d", regex: true, max_results: 1 }),
    "b/c.ts:1: add(1)\n[there is more; narrow it with path or glob]",
  );
  assert.equal(await text("search_files", { query: "add(", glob: "*.py" }), "a.py:1: def add(a, b):");
  assert.equal(await text("search_files", { query: "add(2", path: "b/c.ts" }), "b/c.ts:2: add(2)");
  assert.equal(
    await text("search_files", { query: "ad.*" }),
    "[no match in 2 files; set regex to true if it is an expression]",
  );
});

test("an expression that can't be read or would never end is refused with what to do", async () => {
  const { why } = workspace({ "a.txt": `${"a".repeat(50)}\n` });
  assert.match(await why("search_files", { query: "add(", regex: true }), /Unterminated group.*backslash/);
  assert.match(await why("search_files", { query: "(a+)+b", regex: true }), /took longer.*simpler/);
});

test("paths that leave the workspace, or look like others, are refused by every tool", async () => {
  const { root, why } = workspace({ "a.txt": "inside", "sub/b.txt": "" });
  const paths = [
    "../x",
    "sub/../../x",
    "/etc/passwd",
    "a\0.txt",
    "．．/x",
    "..／x",
    "sub\\..\\x",
    ".git/config",
    ".GiT/hooks/post-commit",
    "sub/.git",
    "x/.ATOS/a",
    "git~1/config",
    ".git\u200b/config",
    "x".repeat(5) + "/".repeat(3) + "y",
    "n".repeat(300),
    "-rf",
    "~/x".replace("~", ".."),
  ];
  for (const path of paths) {
    const calls: readonly (readonly [string, object])[] = [
      ["read_file", { path }],
      ["write_file", { path, content: "x" }],
      ["edit_file", { path, search: "a", replace: "b" }],
      ["move_file", { path, new_path: "z" }],
      ["move_file", { path: "a.txt", new_path: path }],
      ["delete_file", { path, recursive: true }],
      ["list_files", { path }],
      ["search_files", { path, query: "a" }],
    ];
    for (const [name, input] of calls) assert.match(await why(name, input), /can't be used: the path .*Write /s);
  }
  assert.deepEqual(readdirSync(root, { recursive: true }).map(String).toSorted(), ["a.txt", "sub", "sub/b.txt"]);
  assert.ok(!existsSync(join(base, "x")));
});

test("paths as commands show them, with a dot before or a slash behind, are the same paths", async () => {
  const { root, call, text } = workspace({ "sub/b.txt": "b\n" });
  for (const path of ["/workspace/sub/b.txt", "./sub/b.txt", "sub/b.txt"]) {
    const read = await call("read_file", { path });
    assert.ok(read.ok);
    assert.deepEqual([read.output["path"], read.output["content"]], ["sub/b.txt", "b\n"]);
    assert.equal(await text("search_files", { path, query: "b" }), "sub/b.txt:1: b");
  }
  assert.equal(await text("list_files", { path: "/workspace/sub/" }), "sub/b.txt");
  for (const path of ["", ".", "./", "/workspace"])
    assert.equal(await text("list_files", { path }), "sub/\nsub/b.txt", path);
  assert.equal(await text("move_file", { path: "./sub", new_path: "/workspace/c/" }), "moved sub to c");
  assert.deepEqual(readdirSync(root), ["c"]);
});

test("a call that is ended ends within one folder, and other work has its turn meanwhile", async () => {
  const { root } = workspace(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, "a"])));
  const control = new AbortController();
  setImmediate(() => setImmediate(() => control.abort(new Error("ended"))));
  const tool = openFilesystemServer({ root }).tools.find(({ name }) => name === "search_files");
  assert.ok(tool);
  const context = { signal: control.signal, idempotencyKey: "key" };
  await assert.rejects(tool.run(tool.input.parse({ query: "nothing" }), context), { message: "ended" });
});

test("a line found is cut at the end of a word, so that no half of a secret is left", async () => {
  const secret = "s".repeat(60);
  const { text } = workspace({ "a.txt": `${"x ".repeat(90)}key=${secret} ${"y ".repeat(90)}\n` });
  assert.equal(await text("search_files", { query: "key" }), `a.txt:1: ${"x ".repeat(90)}key=${secret}`);
});

test("links are never followed, at the end, in the middle or in chains", async () => {
  const { root, why, text } = workspace({ "a.txt": "inside" });
  const outside = mkdtempSync(join(base, "outside-"));
  writeFileSync(join(outside, "secret"), "SECRET");
  symlinkSync(outside, join(root, "dir"));
  symlinkSync("dir", join(root, "dir2"));
  symlinkSync(join(outside, "secret"), join(root, "file"));
  symlinkSync("a.txt", join(root, "harmless"));
  symlinkSync(join(outside, "new"), join(root, "dangling"));
  for (const path of ["dir/secret", "dir2/secret", "file", "harmless", "dangling"]) {
    assert.match(await why("read_file", { path }), /is a link, and links are not followed/);
    assert.match(await why("write_file", { path, content: "x" }), /is a link/);
    assert.match(await why("edit_file", { path, search: "S", replace: "x" }), /is a link/);
  }
  assert.match(await why("write_file", { path: "dir/deep/new", content: "x" }), /dir is a link/);
  assert.match(await why("move_file", { path: "a.txt", new_path: "dir/a.txt" }), /dir is a link/);
  assert.match(await why("delete_file", { path: "dir/secret" }), /dir is a link/);
  assert.match(await why("list_files", { path: "dir" }), /is a link/);
  assert.match(await why("search_files", { path: "dir", query: "SECRET" }), /is a link/);
  assert.equal(await text("search_files", { query: "SECRET" }), "[no match in 1 files; try a shorter text]");
  assert.equal(await text("delete_file", { path: "dir", recursive: true }), "deleted dir");
  assert.deepEqual(readdirSync(outside), ["secret"]);
  assert.equal(readFileSync(join(outside, "secret"), "utf8"), "SECRET");
});

test("deleting a folder removes the links in it and nothing behind them", async () => {
  const { root, text, why } = workspace({ "d/e/f": "", "g/sub/.git/config": "" });
  const outside = mkdtempSync(join(base, "outside-"));
  writeFileSync(join(outside, "kept"), "");
  symlinkSync(outside, join(root, "d/e/out"));
  assert.match(await why("delete_file", { path: "d" }), /not empty; set recursive/);
  assert.equal(await text("delete_file", { path: "d", recursive: true }), "deleted d (4 entries)");
  assert.deepEqual(readdirSync(outside), ["kept"]);
  assert.match(await why("delete_file", { path: "g", recursive: true }), /belongs to git or ATOS/);
  assert.ok(existsSync(join(root, "g/sub/.git/config")));
});

test("a hard link to a file outside is neither read nor written through", async () => {
  const { root, why, text } = workspace({ "a.txt": "" });
  writeFileSync(join(base, "linked"), "SECRET");
  linkSync(join(base, "linked"), join(root, "hard"));
  assert.match(await why("read_file", { path: "hard" }), /has 2 names \(hard links\)/);
  assert.match(await why("edit_file", { path: "hard", search: "S", replace: "x" }), /hard links/);
  assert.equal(await text("search_files", { query: "SECRET" }), "[no match in 1 files; try a shorter text]");
  assert.equal(await text("write_file", { path: "hard", content: "mine" }), "replaced hard (4 bytes)");
  assert.equal(readFileSync(join(base, "linked"), "utf8"), "SECRET");
});

test("pipes, sockets, folders and binary or huge files are told, not opened or dumped", async () => {
  const { root, why } = workspace({
    "big.txt": "x".repeat(5_000_001),
    "image.png": Buffer.from([137, 80, 78, 71, 0, 1]),
    "latin.txt": Buffer.from([0xe9, 0x0a]),
    "d/x": "",
  });
  execFileSync("mkfifo", [join(root, "pipe")]);
  const socket = createServer().listen(join(root, "socket"));
  await new Promise((resolve) => socket.once("listening", resolve));
  try {
    for (const path of ["pipe", "socket"]) {
      assert.match(await why("read_file", { path }), /pipe, socket or device/);
      assert.match(await why("write_file", { path, content: "x" }), /pipe, socket or device/);
    }
  } finally {
    socket.close();
  }
  assert.match(await why("read_file", { path: "big.txt" }), /5\.0 MB.*head -n 50/);
  for (const path of ["image.png", "latin.txt"]) assert.match(await why("read_file", { path }), /not a text file/);
  assert.match(await why("read_file", { path: "d" }), /is a folder; list_files/);
  assert.match(await why("write_file", { path: "d", content: "" }), /is a folder/);
  assert.match(await why("write_file", { path: "image.png/x", content: "" }), /a part of it is a file/);
  assert.match(await why("read_file", { path: "nowhere/x" }), /nowhere does not exist; list_files/);
  assert.match(await why("write_file", { path: "big", content: "é".repeat(2_600_000) }), /5\.2 MB, more than/);
});

test("a long file is shown in parts that say how to go on", async () => {
  const { text, why } = workspace({
    "long.txt": "0123456789\n".repeat(5000),
    "line.txt": "x".repeat(40_000),
    "two.txt": `${"x".repeat(32_001)}\ny\n`,
  });
  assert.match(
    await text("read_file", { path: "long.txt" }),
    /\[cut after line 2909 of 5000; read on with start_line 2910\]$/,
  );
  const line = (await text("read_file", { path: "line.txt" })).split("\n");
  assert.equal(line[0], "x".repeat(32_000));
  assert.equal(
    line[1],
    "[the last 8000 characters of line 1 are not shown; see them by run_command, like: sed -n 1p 'line.txt' | tail -c 4000]",
  );
  assert.match(
    await text("read_file", { path: "two.txt" }),
    /^x{32000}\n\[the last 1 characters of line 1 are not shown; .*; or read on with start_line 2 of 2\]$/,
  );
  assert.match(await why("read_file", { path: "long.txt", start_line: 6000 }), /has 5000 lines/);
  assert.match(await why("read_file", { path: "long.txt", start_line: 3, end_line: 2 }), /swap them/);
});

test("an edit that fits nowhere changes nothing and shows the nearest lines", async () => {
  const { root, why } = workspace({ "a.py": "def add(a, b):\n    return a + b\n" });
  const said = await why("edit_file", { path: "a.py", search: "def add(a,b): return a+b", replace: "x" });
  assert.match(said, /^a\.py was not changed: .*nearest lines are 1 to 3:\ndef add\(a, b\):/s);
  assert.match(await why("edit_file", { path: "b.py", search: "a", replace: "b" }), /b\.py does not exist/);
  assert.equal(readFileSync(join(root, "a.py"), "utf8"), "def add(a, b):\n    return a + b\n");
});

test("moving overwrites nothing and needs something to move", async () => {
  const { why } = workspace({ "a.txt": "", "b.txt": "", "d/x": "" });
  assert.match(await why("move_file", { path: "a.txt", new_path: "b.txt" }), /exists already/);
  assert.match(await why("move_file", { path: "c.txt", new_path: "e.txt" }), /does not exist/);
  assert.match(await why("move_file", { path: "d", new_path: "d/e/f" }), /in itself/);
});
