import assert from "node:assert/strict";
import { test } from "node:test";
import { templateFamily } from "./template-family.ts";

test("knows a template's family by its marks", () => {
  const templates = {
    qwen: "{{ '<|im_start|>system\nYou are Qwen' }}",
    chatml: "<|im_start|>{{ message.role }}",
    llama3: "<|start_header_id|>{{ message.role }}<|end_header_id|>",
    llama2: "[INST] <<SYS>>{{ system }}<</SYS>>",
    mistral: "[INST] {{ message.content }} [/INST]",
    gemma: "<start_of_turn>user\n",
    phi: "<|user|>\n{{ message.content }}<|end|>\n<|assistant|>\n",
    deepseek: "<｜User｜>{{ message.content }}<｜Assistant｜>",
    harmony: "<|start|>assistant<|channel|>final<|message|>",
    granite: "<|start_of_role|>user<|end_of_role|>",
    command: "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
    glm: "[gMASK]<sop><|user|>",
    zephyr: "<|user|>\n{{ message.content }}</s>",
    unknown: "USER: {{ message.content }}",
  };
  const found = Object.fromEntries(Object.entries(templates).map(([family, text]) => [family, templateFamily(text)]));
  assert.deepEqual(found, Object.fromEntries(Object.keys(templates).map((family) => [family, family])));
});

test("tells relatives of ChatML apart", () => {
  assert.equal(templateFamily("<|im_start|>user<|im_sep|>{{ message.content }}<|im_end|>"), "phi");
  assert.equal(templateFamily("<|im_start|>user\n<tool_response>{{ message.content }}</tool_response>"), "qwen");
});
