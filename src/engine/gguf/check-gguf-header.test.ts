import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeScriptedGguf } from "../../../test/fixtures/make-gguf.ts";
import { checkGgufStructure } from "./gguf-structure.ts";
import { readGgufInfo } from "./gguf-info.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-header-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, "model.gguf");

/** Where the value of an entry begins, behind its type. */
function valueOf(bytes: Buffer, key: string): number {
  return bytes.indexOf(key) + key.length + 4;
}

async function refuse(damage: (bytes: Buffer) => void, message: RegExp): Promise<void> {
  writeScriptedGguf(path, { script: "x" });
  const bytes = readFileSync(path);
  damage(bytes);
  writeFileSync(path, bytes);
  await assert.rejects(checkGgufStructure(path), { code: "engine/model-broken", message });
  await assert.rejects(readGgufInfo(path), { code: "engine/model-broken", message });
}

test("refuses a length or a number that can't be, which would end the process in the library's reader", async () => {
  await refuse((bytes) => bytes.writeUInt32LE(1, 4), /it is GGUF version 1, and 2 and 3 are known/);
  await refuse((bytes) => bytes.writeBigUInt64LE(2n ** 40n, 8), /it announces 1099511627776 tensors/);
  await refuse((bytes) => bytes.writeBigUInt64LE(2n ** 40n, 16), /it announces 1099511627776 entries/);
  await refuse((bytes) => bytes.writeBigUInt64LE(2n ** 40n, 24), /its header goes on to byte 1099511627808/);
  const tokens = "tokenizer.ggml.tokens";
  await refuse((bytes) => bytes.writeUInt32LE(77, valueOf(bytes, tokens) - 4), /unknown type 77/);
  await refuse((bytes) => bytes.writeUInt32LE(9, valueOf(bytes, tokens)), /unknown type 9/);
  await refuse((bytes) => bytes.writeBigUInt64LE(10n ** 9n, valueOf(bytes, tokens) + 4), /1000000000 items/);
  await refuse((bytes) => bytes.writeBigUInt64LE(2n ** 32n, valueOf(bytes, tokens) + 12), /its header goes on to byte/);
  const tensor = "token_embd.weight";
  await refuse((bytes) => bytes.writeUInt32LE(5, valueOf(bytes, tensor) - 4), /a tensor with 5 dimensions/);
});

test("refuses a number of layers that no model has, before anything is counted for each", async () => {
  writeScriptedGguf(path, { script: "x" });
  const bytes = readFileSync(path);
  for (const layers of [0, 1025, 0xffff_ffff]) {
    bytes.writeUInt32LE(layers, valueOf(bytes, "llama.block_count"));
    writeFileSync(path, bytes);
    await assert.rejects(readGgufInfo(path), {
      code: "engine/model-broken",
      message: /block_count \(must be 1 to 1024\)/,
    });
  }
});
