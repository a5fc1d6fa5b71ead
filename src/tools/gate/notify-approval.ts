import { messageOf } from "../../base/errors.ts";
import { webhookHeaders } from "../servers/workflow/webhook.ts";

/** A question as somebody outside is told of it. `shown` has no secrets. */
export type ApprovalNotice = {
  readonly approval: string;
  readonly build: string;
  readonly task: string;
  readonly tool: string;
  readonly shown: unknown;
  readonly expiresAt: Date;
};

export type NoticeResult = { readonly ok: true } | { readonly ok: false; readonly why: string };

export type ApprovalWebhook = {
  /** https, or http on this machine. */
  readonly url: string;
  /** With it the notice is signed. */
  readonly secret?: string | undefined;
  readonly now: () => Date;
};

const TIMEOUT_MS = 10_000;

/**
 * Posts a question to a webhook, once, without following redirects; signed like a call of a workflow, its key the
 * question's id.
 *
 * Never throws but the signal's reason: a notice that fails is a result.
 */
export async function notifyApproval(
  { url, secret, now }: ApprovalWebhook,
  notice: ApprovalNotice,
  signal: AbortSignal,
): Promise<NoticeResult> {
  const problem = webhookProblem(url);
  if (problem !== undefined) return { ok: false, why: problem };
  const body = JSON.stringify({ type: "approval-asked", ...notice });
  const timestampSeconds = Math.floor(now().getTime() / 1000);
  const headers = webhookHeaders({ key: notice.approval, body, timestampSeconds }, secret);
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers,
      body,
    });
    await response.body?.cancel();
    return response.ok ? { ok: true } : { ok: false, why: `the webhook answered ${response.status}` };
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : "";
    return { ok: false, why: `${messageOf(error)}${cause}` };
  }
}

/** What is wrong with the address of a webhook: a question must not cross a network in the clear. Pure. */
export function webhookProblem(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null) return "it is not an address";
  if (parsed.username !== "" || parsed.password !== "") return "it holds a password; use approval_secret_file";
  if (parsed.protocol === "https:") return undefined;
  const isHere = /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(parsed.hostname);
  return parsed.protocol === "http:" && isHere ? undefined : "it must begin with https://, or be on this machine";
}
