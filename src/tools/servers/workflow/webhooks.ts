import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { messageOf, usageError } from "../../../base/errors.ts";
import { outwardRequest, type OutwardAnswer } from "../web/outward-request.ts";
import { type Sleep, withRetries } from "../web/retry.ts";
import { type Webhook, webhookHeaders } from "./webhook.ts";

export type WebhookDeps = {
  readonly webhooks: Readonly<Record<string, Webhook>>;
  /** The clock. */
  readonly now: () => Date;
  readonly sleep: Sleep;
};

const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_SECRET_BYTES = 4096;

/** What is known of a call that was cut off. */
export type CallState =
  /** It may be made again under the same key: nothing happens twice. */
  | { readonly kind: "repeat" }
  | { readonly kind: "done"; readonly status: number; readonly body: string }
  /** It must be made again: it never arrived. */
  | { readonly kind: "not-done" }
  /** Only a person can tell. */
  | { readonly kind: "unknown"; readonly why: string };

/**
 * Posts a payload to a webhook under an idempotency key. One that is idempotent is asked again when what went wrong
 * passes by itself, under the same key; any other is asked once.
 *
 * @throws `tools/webhook-secret` when the secret can't be read.
 */
export async function postToWebhook(
  deps: WebhookDeps,
  { webhook, key, body }: { readonly webhook: Webhook; readonly key: string; readonly body: string },
  signal: AbortSignal,
): Promise<{ readonly answer: OutwardAnswer; readonly attempts: number }> {
  const secret = webhook.secretFile === undefined ? undefined : await readSecret(webhook.secretFile);
  const url = new URL(webhook.url);
  const send = (): Promise<OutwardAnswer> => {
    const timestampSeconds = Math.floor(deps.now().getTime() / 1000);
    const headers = webhookHeaders({ key, body, timestampSeconds }, secret);
    const limits = { maxBytes: MAX_ANSWER_BYTES, timeoutMs: webhook.timeoutMs };
    return outwardRequest({ allowPrivate: [url.host] }, { url, method: "POST", headers, body, ...limits }, signal);
  };
  if (webhook.idempotent) return withRetries(send, deps.sleep, signal);
  return { answer: await send(), attempts: 1 };
}

/**
 * What became of the call with this key, for whoever has to decide whether to make it again: one that is idempotent
 * is repeated, one with a look-up address is asked, of any other nothing is known.
 */
export async function lookUp(
  deps: WebhookDeps,
  { name, key }: { readonly name: string; readonly key: string },
  signal: AbortSignal,
): Promise<CallState> {
  const webhook = webhookOf(deps.webhooks, name);
  if (webhook === undefined) return { kind: "unknown", why: `no webhook is named ${name} any more` };
  if (webhook.idempotent) return { kind: "repeat" };
  if (webhook.lookupUrl === undefined) return { kind: "unknown", why: `${name} has no lookup_url to ask` };
  const url = new URL(webhook.lookupUrl);
  url.searchParams.set("key", key);
  const secret = webhook.secretFile === undefined ? undefined : await readSecret(webhook.secretFile);
  const timestampSeconds = Math.floor(deps.now().getTime() / 1000);
  const headers = webhookHeaders({ key, body: "", timestampSeconds }, secret);
  const limits = { maxBytes: MAX_ANSWER_BYTES, timeoutMs: webhook.timeoutMs };
  const send = () => outwardRequest({ allowPrivate: [url.host] }, { url, method: "GET", headers, ...limits }, signal);
  const { answer } = await withRetries(send, deps.sleep, signal);
  if (answer.kind === "failed") return { kind: "unknown", why: `${name} can't be asked: ${answer.why}` };
  if (answer.status === 404) return { kind: "not-done" };
  if (answer.status === 200) return { kind: "done", status: answer.status, body: answer.body.toString("utf8") };
  return { kind: "unknown", why: `${name} answered ${answer.status} when asked for the call` };
}

/** Own names only: a model may say `constructor`. */
export function webhookOf(webhooks: Readonly<Record<string, Webhook>>, name: string): Webhook | undefined {
  return Object.hasOwn(webhooks, name) ? webhooks[name] : undefined;
}

async function readSecret(path: string): Promise<string> {
  const fix = "write the webhook's secret into it, or correct secret_file";
  try {
    // Never waits, as opening a pipe would.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile() || found.size > MAX_SECRET_BYTES) throw new Error("it is no small file");
    const secret = (await file.readFile("utf8")).trim();
    if (secret === "") throw new Error("it is empty");
    return secret;
  } catch (error) {
    throw usageError("tools/webhook-secret", `The secret file ${path} can't be used: ${messageOf(error)}; ${fix}.`);
  }
}
