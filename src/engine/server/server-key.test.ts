import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { huggingFaceRouter, readApiKey } from "./server-key.ts";

const KEY = "sk-very-secret-0123456789";
const baseUrl = "https://models.example.org/v1";
const router = "https://router.huggingface.co/v1";

test("takes the key from the variable that is named, before any file", async () => {
  const named = { baseUrl, apiKeyVariable: "MY_KEY", apiKeyFile: "/nowhere" };
  assert.equal(await readApiKey(named, { MY_KEY: ` ${KEY}\n`, HF_TOKEN: "hf" }), KEY);
  assert.equal(await readApiKey({ baseUrl }, { MY_KEY: KEY, HF_TOKEN: "hf" }), undefined);
  for (const env of [{}, { MY_KEY: " " }])
    await assert.rejects(readApiKey(named, env), { code: "engine/no-api-key", exitCode: 3, message: /MY_KEY/ });
});

test("reads the key from a file, as secrets are mounted: with a line end, and readable by all", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "atos-key-"));
  t.after(() => rm(folder, { recursive: true }));
  const apiKeyFile = join(folder, "key");
  await writeFile(apiKeyFile, `${KEY}\n`);
  await chmod(apiKeyFile, 0o444);
  assert.equal(await readApiKey({ baseUrl, apiKeyFile }, {}), KEY);
  const empty = join(folder, "empty");
  await writeFile(empty, "\n");
  const long = join(folder, "long");
  await writeFile(long, KEY.repeat(1000));
  for (const [path, why] of [
    [empty, /empty/],
    [long, /too long/],
    [join(folder, "none"), /ENOENT/],
    [folder, /can't be read/],
  ] as const)
    await assert.rejects(readApiKey({ baseUrl, apiKeyFile: path }, {}), (error) => {
      assert.match(String(error), why);
      assert.equal(inspect(error, { depth: 10, showHidden: true }).includes(KEY), false);
      return error instanceof Error && "code" in error && error.code === "engine/no-api-key";
    });
});

test("uses Hugging Face's token for its router, and sends it nowhere else", async () => {
  assert.equal(await readApiKey({ baseUrl: router }, { HF_TOKEN: "hf_1", HUGGING_FACE_AUTH_TOKEN: "hf_2" }), "hf_1");
  assert.equal(await readApiKey({ baseUrl: router }, { HF_TOKEN: "", HUGGING_FACE_AUTH_TOKEN: "hf_2" }), "hf_2");
  assert.equal(await readApiKey({ baseUrl: router }, {}), undefined);
  const env = { HF_TOKEN: "hf_1" };
  for (const other of [
    "http://router.huggingface.co/v1",
    "https://router.huggingface.co.example.org/v1",
    "https://router.huggingface.co:8443/v1",
    baseUrl,
  ])
    assert.equal(await readApiKey({ baseUrl: other }, env), undefined, other);
});

test("knows the router under the address that HF_API_URL gives it", async () => {
  assert.equal(huggingFaceRouter({}), router);
  const env = { HF_API_URL: "http://127.0.0.1:9000/hf/v1/", HF_TOKEN: "hf_1" };
  assert.equal(huggingFaceRouter(env), "http://127.0.0.1:9000/hf/v1");
  assert.equal(await readApiKey({ baseUrl: "http://127.0.0.1:9000/hf/v1" }, env), "hf_1");
});
