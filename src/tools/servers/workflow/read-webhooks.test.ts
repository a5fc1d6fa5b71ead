import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWebhooks, readWebhooks } from "./read-webhooks.ts";

test("webhooks are read by their names, with defaults", () => {
  const text = `webhooks:
  notify: { url: "https://hooks.example.org/x" }
  deploy-1:
    url: http://127.0.0.1:5678/webhook/deploy
    secret_file: /etc/atos/deploy.secret
    lookup_url: http://127.0.0.1:5678/webhook/done
    idempotent: true
    timeout_seconds: 5
`;
  assert.deepEqual(parseWebhooks(text, "webhooks.yaml"), {
    notify: { url: "https://hooks.example.org/x", idempotent: false, timeoutMs: 30_000 },
    "deploy-1": {
      url: "http://127.0.0.1:5678/webhook/deploy",
      secretFile: "/etc/atos/deploy.secret",
      lookupUrl: "http://127.0.0.1:5678/webhook/done",
      idempotent: true,
      timeoutMs: 5000,
    },
  });
});

test("without a file there are none", async () => {
  assert.deepEqual(await readWebhooks("/nowhere/webhooks.yaml"), {});
});

test("what is wrong is named by its key, and no address is repeated", () => {
  const secret = ["tok", "en-4711"].join("");
  const cases: readonly (readonly [string, RegExp])[] = [
    [`webhooks: { a: { url: "ftp://x/${secret}" } }`, /webhooks\.a\.url: must be an http or https address/],
    [`webhooks: { a: { url: "https://x/${secret}", extra: 1 } }`, /webhooks\.a: .*extra/],
    [`webhooks: { "a b": { url: "https://x/${secret}" } }`, /webhooks\.a b/],
    [`webhooks: { a: { url: "https://x/${secret}", secret_file: here } }`, /secret_file: must be an absolute path/],
    [`webhooks: { a: { url: "https://x/${secret}"`, /is not YAML/],
    ["", /the file/],
  ];
  for (const [text, expected] of cases) {
    assert.throws(
      () => parseWebhooks(text, "webhooks.yaml"),
      (error: unknown) => error instanceof Error && expected.test(error.message) && !error.message.includes(secret),
      text,
    );
  }
});
