import { type Dispatcher, request } from "undici";
import { AtosError, messageOf, missingError } from "../../base/errors.ts";
import { type ExpectedFile, type PartialFile, resumeFrom, type TransferAnswer } from "./pull-plan.ts";

export type PullRequest = {
  readonly url: string;
  readonly expected: ExpectedFile;
  readonly partial: PartialFile;
  /** Sent to the origin of `url` only, never after a redirect to another. */
  readonly token?: string | undefined;
  /** A server that says nothing for so long has failed. */
  readonly idleMs: number;
};

/** The answer of whoever has the bytes, and what the hub said of the file on the way to it. */
export type PullAnswer = TransferAnswer & {
  /** The byte that was asked for. */
  readonly askedFrom: number;
  readonly expected: ExpectedFile;
  readonly retryAfter: string | undefined;
  readonly body: Dispatcher.ResponseData["body"];
};

const MAX_REDIRECTS = 5;

/**
 * Asks for a file, from where `partial` ends when it is sure to be the same file. A hub names hash and
 * size in its own answer and sends on to a storage under another host, so what is asked for is decided
 * anew at each stop. The caller must read the body or drop it (`dropBody`).
 *
 * @throws {AtosError} `engine/pull-failed`, or `engine/pull-wrong-hash` and `engine/pull-wrong-size` when
 *   the hub's file is another one than the caller expects
 */
export async function requestFile(pull: PullRequest, signal: AbortSignal): Promise<PullAnswer> {
  const { origin } = new URL(pull.url);
  let { url, expected } = pull;
  for (let stop = 0; stop <= MAX_REDIRECTS; stop++) {
    const askedFrom = resumeFrom(pull.partial, pull.url, expected);
    const mayKnowToken = new URL(url).origin === origin;
    const {
      statusCode: status,
      headers,
      body,
    } = await send(url, pull, {
      askedFrom,
      // With a hash the end tells whether it was the same file, so another storage may go on where one stopped.
      validator: expected.sha256 === undefined ? pull.partial.validator : undefined,
      token: mayKnowToken ? pull.token : undefined,
      signal,
    });
    const header = (name: string): string | undefined => {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    // Only who was asked may say what the file is; the storage may be anybody's.
    try {
      if (mayKnowToken) expected = agreed(pull.url, expected, hubFacts(header));
    } catch (error) {
      dropBody(body);
      throw error;
    }
    const location = header("location");
    if (status < 300 || status >= 400 || location === undefined)
      return {
        status,
        contentLength: count(header("content-length")),
        contentRange: header("content-range"),
        validator: strongValidator(header),
        retryAfter: header("retry-after"),
        askedFrom,
        expected,
        body,
      };
    await body.dump();
    url = followable(new URL(location, url), pull.url).href;
  }
  throw missingError("engine/pull-failed", `${pull.url} redirects more than ${MAX_REDIRECTS} times`);
}

/** Ends what is left of an answer. A body that is not read to its end reports that as an error, and here it is none. */
export function dropBody(body: PullAnswer["body"]): void {
  body.on("error", () => {});
  body.destroy();
}

type Asking = {
  readonly askedFrom: number;
  readonly validator: string | undefined;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
};

async function send(
  url: string,
  { idleMs }: PullRequest,
  { askedFrom, validator, token, signal }: Asking,
): Promise<Dispatcher.ResponseData> {
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "atos" };
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  if (askedFrom > 0) {
    headers["range"] = `bytes=${askedFrom}-`;
    if (validator !== undefined) headers["if-range"] = validator;
  }
  try {
    return await request(url, { headers, signal, headersTimeout: idleMs, bodyTimeout: idleMs });
  } catch (cause) {
    signal.throwIfAborted();
    const why = `${new URL(url).host} can't be reached: ${messageOf(cause)}; check the network, then give the same command again`;
    throw missingError("engine/pull-failed", why, cause);
  }
}

type Header = (name: string) => string | undefined;

/** What the hub says of a file it keeps elsewhere. Small files have no hash of their content there. */
function hubFacts(header: Header): ExpectedFile {
  const etag = /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec(header("x-linked-etag") ?? "")?.[1];
  return known({ sha256: etag?.toLowerCase(), bytes: count(header("x-linked-size")) });
}

/** What both know. To fetch gigabytes and find at their end what the hub says now would help nobody. */
function agreed(url: string, expected: ExpectedFile, hub: ExpectedFile): ExpectedFile {
  const wanted = known({ ...expected, sha256: expected.sha256?.toLowerCase() });
  if (wanted.sha256 !== undefined && hub.sha256 !== undefined && wanted.sha256 !== hub.sha256)
    throw new AtosError(
      "engine/pull-wrong-hash",
      `the hub's file at ${url} has the sha256 ${hub.sha256}, not ${wanted.sha256}: it was changed; nothing was fetched. Look at the new file, then give its hash`,
    );
  if (wanted.bytes !== undefined && hub.bytes !== undefined && wanted.bytes !== hub.bytes)
    throw new AtosError(
      "engine/pull-wrong-size",
      `the hub's file at ${url} has ${hub.bytes} bytes, not ${wanted.bytes}: it was changed; nothing was fetched. Give its address (hf:…) to take it all the same`,
    );
  return { ...hub, ...wanted };
}

function known({ sha256, bytes }: ExpectedFile): ExpectedFile {
  return { ...(sha256 === undefined ? {} : { sha256 }), ...(bytes === undefined ? {} : { bytes }) };
}

function strongValidator(header: Header): string | undefined {
  const etag = header("etag");
  return etag === undefined || etag.startsWith("W/") ? header("last-modified") : etag;
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function followable(target: URL, from: string): URL {
  if (/^https?:$/.test(target.protocol)) return target;
  throw missingError("engine/pull-failed", `${from} redirects to a ${target.protocol} address, which is not followed`);
}
