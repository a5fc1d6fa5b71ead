import { readFile } from "node:fs/promises";
import { messageOf } from "../base/errors.ts";
import { type ApprovalNotice, type NoticeResult, notifyApproval } from "../tools/gate/notify-approval.ts";
import type { QuestionDeps } from "../tools/gate/put-question.ts";
import type { Redactor } from "../tools/gate/redact.ts";

/** What questions are told to, and for how long they are open where a build does not say. */
export type ApprovalSettings = {
  readonly expiresMs: number;
  readonly webhook?: string | undefined;
  /** Its content signs what the webhook is told. */
  readonly secretFile?: string | undefined;
};

/** Tells the webhook of each question, where there is one; what `redactor` knows as secret is taken out. */
export function noticesOf(
  { webhook: url, secretFile }: Omit<ApprovalSettings, "expiresMs">,
  { now, redactor }: { readonly now: () => Date; readonly redactor: Redactor },
): Pick<QuestionDeps, "notify"> {
  if (url === undefined) return {};
  const redact = (_: string, value: unknown): unknown => (typeof value === "string" ? redactor(value).text : value);
  return {
    notify: ({ shown, ...notice }, signal) => {
      const clean: unknown = JSON.parse(JSON.stringify(shown, redact));
      return tellWebhook({ url, secretFile, now }, { ...notice, shown: clean }, signal);
    },
  };
}

type Webhook = { readonly url: string; readonly secretFile: string | undefined; readonly now: () => Date };

/** A notice that should be signed and can't be is not sent: whoever gets it could not tell it from anyone's. */
async function tellWebhook(
  { url, secretFile, now }: Webhook,
  notice: ApprovalNotice,
  signal: AbortSignal,
): Promise<NoticeResult> {
  try {
    const secret = await readSecret({ secretFile });
    return await notifyApproval({ url, secret, now }, notice, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, why: `approval_secret_file can't be read: ${messageOf(error)}` };
  }
}

/** What notices are signed with. */
export async function readSecret({ secretFile }: Pick<ApprovalSettings, "secretFile">): Promise<string | undefined> {
  if (secretFile === undefined) return undefined;
  const secret = (await readFile(secretFile, "utf8")).trim();
  if (secret === "") throw new Error(`${secretFile} is empty`);
  return secret;
}
