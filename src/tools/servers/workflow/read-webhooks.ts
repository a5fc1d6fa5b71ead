import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, usageError } from "../../../base/errors.ts";
import type { Webhook } from "./webhook.ts";

const address = z.url({ protocol: /^https?$/, error: "must be an http or https address" });
const DEFAULT_TIMEOUT_SECONDS = 30;

const webhookSchema = z.strictObject({
  url: address,
  secret_file: z.string().startsWith("/", "must be an absolute path").optional(),
  idempotent: z.boolean().default(false),
  lookup_url: address.optional(),
  timeout_seconds: z.number().min(1).max(600).default(DEFAULT_TIMEOUT_SECONDS),
});
const fileSchema = z.strictObject({
  webhooks: z.record(
    z.string().regex(/^[A-Za-z][\w-]{0,63}$/, "must begin with a letter, then letters, digits, _ and -"),
    webhookSchema,
  ),
});

/**
 * Reads the webhooks that a person named, from `webhooks.yaml`; none when there is no such file.
 *
 * @throws {AtosError} `tools/bad-webhooks` naming the file and the key. No address is in it: such may hold a secret.
 */
export async function readWebhooks(file: string): Promise<Readonly<Record<string, Webhook>>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return {};
    throw badWebhooks(file, `can't be read: ${messageOf(error)}`);
  }
  return parseWebhooks(text, file);
}

/**
 * Reads the text of `webhooks.yaml`. Pure.
 *
 * @throws {AtosError} `tools/bad-webhooks`
 */
export function parseWebhooks(text: string, file: string): Readonly<Record<string, Webhook>> {
  let value: unknown;
  try {
    value = parse(text, { logLevel: "error" });
  } catch {
    // The parser's own words show the line, and with it what may be a secret.
    throw badWebhooks(file, "is not YAML");
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`);
    throw badWebhooks(file, issues.join("; "));
  }
  return Object.fromEntries(
    Object.entries(parsed.data.webhooks).map(([name, given]) => {
      const { url, secret_file: secretFile, idempotent, lookup_url: lookupUrl, timeout_seconds: seconds } = given;
      const more = {
        ...(secretFile === undefined ? {} : { secretFile }),
        ...(lookupUrl === undefined ? {} : { lookupUrl }),
      };
      return [name, { url, idempotent, timeoutMs: Math.round(seconds * 1000), ...more }];
    }),
  );
}

function badWebhooks(file: string, what: string): Error {
  return usageError(
    "tools/bad-webhooks",
    `${file} ${what}. It holds webhooks: and under it a name each, with url and, as needed, secret_file, idempotent, lookup_url, timeout_seconds`,
  );
}
