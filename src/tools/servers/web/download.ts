import { outwardRequest, type OutwardAnswer, type Reach } from "./outward-request.ts";
import { type Sleep, withRetries } from "./retry.ts";

export const MAX_DOWNLOAD_BYTES = 5_000_000;
const MAX_REDIRECTS = 5;
const TIMEOUT_MS = 60_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export type Download =
  | {
      readonly ok: true;
      readonly bytes: Buffer;
      /** As the server says. */
      readonly declared: string | undefined;
      /** Where the file was in the end. */
      readonly url: string;
      readonly attempts: number;
    }
  | { readonly ok: false; readonly why: string };

type Hops = { readonly answer: OutwardAnswer; readonly url: URL };

/**
 * Fetches a file of at most 5 MB. Redirects are followed by hand, at most five, and each is checked like the first
 * address; what passes by itself is tried again, at most three times.
 */
export async function download(
  deps: { readonly reach: Reach; readonly sleep: Sleep },
  address: string,
  signal: AbortSignal,
): Promise<Download> {
  const start = URL.parse(address);
  if (start === null) return { ok: false, why: `${JSON.stringify(address)} is no full https:// address.` };
  let last: Hops | undefined;
  const send = async (): Promise<OutwardAnswer> => {
    last = await follow(deps.reach, start, signal);
    return last.answer;
  };
  const { answer, attempts } = await withRetries(send, deps.sleep, signal);
  const url = last?.url ?? start;
  const tried = attempts === 1 ? "" : `, after ${attempts} attempts`;
  if (answer.kind === "failed") return { ok: false, why: `${answer.why}${tried}.` };
  if (answer.status !== 200) return { ok: false, why: `${url.host} answered ${answer.status}${tried}.` };
  if (answer.isCut) {
    const why = `the file is larger than ${MAX_DOWNLOAD_BYTES / 1e6} MB; look for a smaller one.`;
    return { ok: false, why };
  }
  return { ok: true, bytes: answer.body, declared: answer.headers["content-type"], url: url.href, attempts };
}

async function follow(reach: Reach, start: URL, signal: AbortSignal): Promise<Hops> {
  let url = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const request = { url, method: "GET", maxBytes: MAX_DOWNLOAD_BYTES, timeoutMs: TIMEOUT_MS } as const;
    const answer = await outwardRequest(reach, request, signal);
    if (answer.kind === "failed" || !REDIRECTS.has(answer.status)) return { answer, url };
    const next = URL.parse(answer.headers["location"] ?? "", url.href);
    if (next === null) return { answer: failed(`${url.host} redirects to no address`), url };
    url = next;
  }
  return { answer: failed(`${start.host} redirects more than ${MAX_REDIRECTS} times`), url };
}

function failed(why: string): OutwardAnswer {
  return { kind: "failed", why, isPassing: false, isSent: true };
}
