import assert from "node:assert/strict";
import { test } from "node:test";
import { AtosError } from "../../base/errors.ts";
import { hubFileUrl, hubUrlOf, parsePullAddress, tokenFor } from "./pull-address.ts";

const HUB = "https://hub.example/";

test("an hf: address is a file of the hub, a folder in its repository included", () => {
  assert.deepEqual(parsePullAddress("hf:Owner/Repo-GGUF/sub/Model-Q4_K_M.gguf", HUB), {
    url: "https://hub.example/Owner/Repo-GGUF/resolve/main/sub/Model-Q4_K_M.gguf",
    name: "Model-Q4_K_M",
    repository: "Owner/Repo-GGUF",
  });
});

test("an http address stays as it is, its query included", () => {
  assert.deepEqual(parsePullAddress("http://h/x.gguf?a=1", HUB), { url: "http://h/x.gguf?a=1", name: "x" });
});

test("what is no single GGUF file is refused with the reason", () => {
  const refused: [string, RegExp][] = [
    ["hf:owner/file.gguf", /neither a file of the hub/],
    ["hf:owner/repo/../../x.gguf", /made of dots/],
    ["hf:owner/repo//x.gguf", /empty/],
    ["model.gguf", /neither/],
    ["ftp://h/x.gguf", /neither/],
    ["https://h/x.bin", /must end in .gguf/],
    ["https://h/", /must end in .gguf/],
    ["hf:owner/repo/m-00001-of-00002.gguf", /one part of several/],
  ];
  for (const [text, message] of refused)
    assert.throws(() => parsePullAddress(text, HUB), { code: "engine/bad-pull-address", exitCode: 2, message });
});

test("a password in an address is refused and not repeated", () => {
  assert.throws(
    () => parsePullAddress("https://me:hunter2@h/x.gguf", HUB),
    (error: Error) => /name or password/.test(error.message) && !error.message.includes("hunter2"),
  );
});

test("a revision pins the file", () => {
  assert.equal(
    hubFileUrl({ repository: "o/r", file: "a.gguf", revision: "abc123" }, "https://hub.example"),
    "https://hub.example/o/r/resolve/abc123/a.gguf",
  );
});

test("the hub's token is for the hub and its mirror alone", () => {
  assert.equal(tokenFor("https://hub.example/o/r/resolve/main/a.gguf", HUB, "t"), "t");
  assert.equal(tokenFor("https://elsewhere.example/a.gguf", HUB, "t"), undefined);
  assert.equal(tokenFor("http://hub.example/a.gguf", HUB, "t"), undefined);
  assert.equal(tokenFor("https://hub.example/a.gguf", HUB, ""), undefined);
});

test("the hub is Hugging Face's, or the mirror in HF_ENDPOINT; one that is no plain address is refused unseen", () => {
  assert.equal(hubUrlOf({}), "https://huggingface.co");
  assert.equal(hubUrlOf({ HF_ENDPOINT: "" }), "https://huggingface.co");
  assert.equal(hubUrlOf({ HF_ENDPOINT: "http://mirror:8080/hf/" }), "http://mirror:8080/hf");
  for (const HF_ENDPOINT of ["mirror.example", "ftp://mirror", "https://me:secret@mirror", "https://mirror?a=b"])
    assert.throws(
      () => hubUrlOf({ HF_ENDPOINT }),
      (error: unknown) =>
        error instanceof AtosError && error.code === "engine/bad-hub-address" && !error.message.includes("secret"),
    );
});
