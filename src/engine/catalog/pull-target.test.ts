import assert from "node:assert/strict";
import { test } from "node:test";
import { findCatalogFile, loadCatalog } from "./catalog.ts";
import { findPullTarget, pulledPath, type PullTarget } from "./pull-target.ts";

const HUB = "https://hub.example";
const catalog = await loadCatalog();
const target = (text: string): Omit<PullTarget, "catalog"> | undefined => {
  const found = findPullTarget(catalog, text, HUB);
  return found === undefined ? undefined : { url: found.url, name: found.name, expected: found.expected };
};

test("a name of the catalog means its file, pinned to a commit with size and hash where they are known", () => {
  assert.deepEqual(target("qwen2.5-coder-1.5b:8bit"), {
    url: `${HUB}/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/f86cb2c1fa58255f8052cc32aeede1b7482d4361/qwen2.5-coder-1.5b-instruct-q8_0.gguf`,
    name: "qwen2.5-coder-1.5b-Q8_0",
    expected: {
      bytes: 1_894_532_160,
      sha256: "507de59046601282ba768a9789900e6ccf60ed93ddf346730b7c68eb0715bc47",
    },
  });
  assert.deepEqual(target("qwen3.5-4b"), {
    url: `${HUB}/unsloth/Qwen3.5-4B-GGUF/resolve/main/Qwen3.5-4B-Q4_K_M.gguf`,
    name: "qwen3.5-4b-Q4_K_M",
    expected: {},
  });
});

test("an address is taken as it stands, and recognised when the catalog has its file", () => {
  const address = "hf:unsloth/Qwen3.5-4B-GGUF/Qwen3.5-4B-Q4_K_M.gguf";
  assert.deepEqual(target(address), target("qwen3.5-4b"));
  assert.deepEqual(findPullTarget(catalog, address, HUB)?.catalog, findCatalogFile(catalog, "qwen3.5-4b"));
  assert.deepEqual(target("hf:Owner/Repo/Some-Q5_K_M.gguf"), {
    url: `${HUB}/Owner/Repo/resolve/main/Some-Q5_K_M.gguf`,
    name: "Some-Q5_K_M",
    expected: {},
  });
  assert.deepEqual(target("https://h.example/x.gguf"), { url: "https://h.example/x.gguf", name: "x", expected: {} });
});

test("a file goes by the catalog's name and its quantisation, so that two of one model can lie side by side", () => {
  const name = findPullTarget(catalog, "qwen2.5-coder-3b:8bit", HUB)?.name ?? "";
  assert.equal(pulledPath("/m", name), "/m/qwen2.5-coder-3b-Q8_0.gguf");
});

test("what names no file to fetch is left to others: a server, a path, a word", () => {
  for (const text of ["http://127.0.0.1:11434/v1#qwen2.5-coder:7b", "./model.gguf", "nano", "unknown-model"])
    assert.equal(findPullTarget(catalog, text, HUB), undefined, text);
});

test("a broken address is an error, not a word", () => {
  assert.throws(() => findPullTarget(catalog, "hf:owner/x.gguf", HUB), { code: "engine/bad-pull-address" });
});
