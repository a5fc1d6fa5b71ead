import { createHmac } from "node:crypto";

/** A webhook that a person configured; the model knows its name and never its address. */
export type Webhook = {
  /** http or https; its address may be private, for a person named it. */
  readonly url: string;
  /** A file that holds the secret which signs requests. */
  readonly secretFile?: string;
  /** Whether the same request under the same key may be sent again without doing anything twice. */
  readonly idempotent: boolean;
  /** Asked with `?key=KEY` whether a request was carried out: 200 and what it answered, or 404. */
  readonly lookupUrl?: string;
  readonly timeoutMs: number;
};

export type SignedRequest = { readonly key: string; readonly body: string; readonly timestampSeconds: number };

/**
 * The headers of a request to a webhook. Pure.
 *
 * The signature is HMAC-SHA256 over `TIMESTAMP.KEY.BODY` in hex: whoever receives it computes the same, refuses
 * timestamps of more than some minutes ago, and does nothing for a key it has seen.
 */
export function webhookHeaders(request: SignedRequest, secret: string | undefined): Record<string, string> {
  const { key, body, timestampSeconds } = request;
  const headers = { "content-type": "application/json", accept: "application/json", "idempotency-key": key };
  if (secret === undefined) return headers;
  const signature = createHmac("sha256", secret).update(`${timestampSeconds}.${key}.${body}`).digest("hex");
  return {
    ...headers,
    "x-atos-timestamp": String(timestampSeconds),
    "x-atos-signature": `sha256=${signature}`,
  };
}
