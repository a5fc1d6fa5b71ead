import assert from "node:assert/strict";
import { test } from "node:test";
import { openSeatbelt } from "./seatbelt.ts";
import { seatbeltProfile } from "./seatbelt-profile.ts";

const paths = { root: "/Users/a/work", scratch: "/private/var/folders/x/s", readable: ["/opt/node/bin/node"] };
const lines = seatbeltProfile(paths).trim().split("\n");
const ruleOf = (start: string): string =>
  lines.find((line) => line.startsWith(start)) ?? assert.fail(`no rule ${start}`);

test("denies everything first, and the network and the hidden names last", () => {
  assert.deepEqual(lines.slice(0, 2), ["(version 1)", "(deny default)"]);
  assert.deepEqual(
    lines.slice(-2).map((line) => line.split(" ").slice(0, 2).join(" ")),
    ["(deny file*", "(deny network*)"],
  );
  assert.ok(!lines.some((line) => /allow (network|mach|default|iokit|file-write-setugid)/.test(line)));
});

test("writes to the workspace, the scratch folder and nowhere else", () => {
  assert.equal(
    ruleOf("(allow file-write* "),
    '(allow file-write* (subpath "/Users/a/work") (subpath "/private/var/folders/x/s"))',
  );
  assert.equal(ruleOf("(allow file-write-data "), '(allow file-write-data (literal "/dev/null"))');
});

test("reads the system, what is shown and its own, and neither home nor accounts", () => {
  const read = ruleOf("(allow file-read* ");
  for (const path of ["/usr", "/System", "/opt/node/bin/node", paths.root, paths.scratch])
    assert.ok(read.includes(`(subpath "${path}")`), path);
  for (const path of ["/", "/Users", "/Users/a", "/private", "/private/etc", "/private/var", "/Library"])
    assert.ok(!read.includes(`(subpath "${path}")`), path);
  assert.ok(ruleOf("(allow file-read-metadata ").includes('(literal "/Users/a")'));
});

test("hides .git and .atos in every spelling that a file system may take for them", () => {
  const hidden = [...ruleOf("(deny file* ").matchAll(/\(subpath "([^"]+)"\)/g)].map(([, path]) => path);
  assert.equal(hidden.length, 8 + 16);
  for (const name of [".git", ".GIT", ".gIt", ".atos", ".ATOS"])
    assert.ok(hidden.includes(`/Users/a/work/${name}`), name);
});

test("a path with quotes cannot end its string", () => {
  const odd = seatbeltProfile({ ...paths, root: '/a")(allow default)("\\' });
  assert.ok(odd.includes('(subpath "/a\\")(allow default)(\\"\\\\")'));
});

test("is not opened elsewhere than on macOS", async (t) => {
  if (process.platform === "darwin") return t.diagnostic("this is macOS: not tried");
  await assert.rejects(openSeatbelt(process.execPath), { code: "sandbox/none" });
});
