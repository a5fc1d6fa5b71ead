import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { asking, loadFixture, never, readReply } from "../../../test/fixtures/embedded.ts";
import { writeRandomGguf } from "../../../test/fixtures/make-gguf.ts";
import type { ChatMessage, SavedCache } from "../model.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-conversation-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const message = (before: string) => `<|im_start|>{{ m.role }}\n${before}{{ m.content }}<|im_end|>\n`;
const eachWith = (before: string) => `{% for m in messages %}${message(before)}{% endfor %}<|im_start|>assistant\n`;

/** ChatML that does to earlier messages what templates of well-known models do. */
const HABITS: Readonly<Record<string, string>> = {
  "changes nothing": eachWith(""),
  "closes the reasoning of the reply that is asked for only": `${eachWith("")}<think>\n\n</think>\n\n`,
  "opens reasoning that it does not show afterwards": `${eachWith("")}<think>\n`,
  "writes a reasoning block before the last reply only": eachWith(
    "{% if m.role == 'assistant' and loop.index0 >= messages | length - 2 %}<think></think>{% endif %}",
  ),
  "puts the system message before the last question":
    "{% set system = messages[0].content if messages[0].role == 'system' else '' %}" +
    "{% for m in messages %}{% if m.role != 'system' %}" +
    message("{% if loop.last %}{{ system }}{% endif %}") +
    "{% endif %}{% endfor %}<|im_start|>assistant\n",
};

for (const [habit, template] of Object.entries(HABITS)) {
  test(`a turn goes on in another process where the one before ended, when the template ${habit}`, async () => {
    const path = join(directory, "model.gguf");
    writeRandomGguf(path, { template });
    const messages: ChatMessage[] = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Begin." },
    ];
    let [before, evaluated] = ["", 0];
    let caches: readonly SavedCache[] = [];
    for (let turn = 0; turn < 3; turn++) {
      // A new process each time, which knows what a cache tells it.
      await using model = await loadFixture(path, { deterministic: false });
      for (const cache of caches) await model.restoreCache(cache, never);
      const { text } = await model.render({ messages });
      assert.ok(text.startsWith(before), `${text} does not begin with ${before}`);
      const reply = await readReply(model, asking("", { messages, maxTokens: 20, temperature: 1, seed: turn }));
      const { promptTokens, cachedTokens, outputTokens } = reply.end.usage;
      assert.equal(cachedTokens, evaluated);
      // The last token of a reply that was cut is not evaluated.
      [before, evaluated] = [text + reply.text, promptTokens + outputTokens - 1];
      messages.push({ role: "assistant", content: reply.text }, { role: "user", content: `Go on, ${turn}.` });
      caches = await model.saveCaches(join(directory, `${turn}`), never);
    }
  });
}
