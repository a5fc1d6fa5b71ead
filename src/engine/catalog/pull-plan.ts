/** What an earlier try left of a file, and what was known of the file then. */
export type PartialFile = {
  readonly haveBytes: number;
  /** Absent: nobody wrote down where the bytes are from. */
  readonly url?: string | undefined;
  /** The server's strong ETag, or its Last-Modified. */
  readonly validator?: string | undefined;
  readonly sha256?: string | undefined;
};

/** What is known of the whole file before its first byte: asked for by the caller, or told by the hub. */
export type ExpectedFile = { readonly sha256?: string | undefined; readonly bytes?: number | undefined };

/** The parts of an answer that decide what becomes of its body. */
export type TransferAnswer = {
  readonly status: number;
  readonly contentLength?: number | undefined;
  readonly contentRange?: string | undefined;
  readonly validator?: string | undefined;
};

export type TransferPlan =
  /** Write the body from this byte on; the file will have `totalBytes`, as far as the server says. */
  | { readonly kind: "write"; readonly fromByte: number; readonly totalBytes: number | undefined }
  /** Nothing is missing. */
  | { readonly kind: "complete" }
  /** What is here belongs to another file, or the answer does not fit to it: throw it away and ask anew. */
  | { readonly kind: "start-again" }
  | { readonly kind: "refused" };

/**
 * The byte to ask for: 0 unless what is here may begin the file that is there. It may when both have the
 * same hash, when a known hash will be checked at the end anyway, or when the answer will tell, by its
 * hash or by a validator, whether the file is still the same. Pure.
 */
export function resumeFrom(partial: PartialFile, url: string, expected: ExpectedFile): number {
  const { haveBytes } = partial;
  if (expected.bytes !== undefined && haveBytes > expected.bytes) return 0;
  if (expected.sha256 !== undefined && partial.sha256 !== undefined)
    return expected.sha256 === partial.sha256 ? haveBytes : 0;
  const isSameAddress = partial.url === undefined || partial.url === url;
  if (expected.sha256 !== undefined) return isSameAddress ? haveBytes : 0;
  const canTell = partial.validator !== undefined || partial.sha256 !== undefined;
  return partial.url === url && canTell ? haveBytes : 0;
}

/** What to do with an answer to a request that asked for `askedFrom`. Pure. */
export function planTransfer(
  answer: TransferAnswer,
  { askedFrom, partial, expected }: { askedFrom: number; partial: PartialFile; expected: ExpectedFile },
): TransferPlan {
  if (answer.status === 200) return { kind: "write", fromByte: 0, totalBytes: expected.bytes ?? answer.contentLength };
  if (answer.status === 206) {
    const range = readContentRange(answer.contentRange);
    if (range?.fromByte !== askedFrom) return { kind: "start-again" };
    if (!isSameFile(answer, partial, expected)) return { kind: "start-again" };
    return { kind: "write", fromByte: askedFrom, totalBytes: expected.bytes ?? range.totalBytes };
  }
  if (answer.status === 416 && askedFrom > 0) {
    const total = expected.bytes ?? readContentRange(answer.contentRange)?.totalBytes;
    return total === askedFrom ? { kind: "complete" } : { kind: "start-again" };
  }
  return { kind: "refused" };
}

/** With a hash the end tells; without one nothing but the validator does, and some servers overlook If-Range. */
function isSameFile(answer: TransferAnswer, partial: PartialFile, expected: ExpectedFile): boolean {
  if (expected.sha256 !== undefined) return partial.sha256 === undefined || partial.sha256 === expected.sha256;
  if (partial.validator === undefined) return false;
  return answer.validator === undefined || answer.validator === partial.validator;
}

function readContentRange(
  text: string | undefined,
): { readonly fromByte: number | undefined; readonly totalBytes: number | undefined } | undefined {
  const found = /^bytes (?:(\d+)-\d+|\*)\/(?:(\d+)|\*)$/.exec(text ?? "");
  if (found === null) return undefined;
  const [, from, total] = found;
  return {
    fromByte: from === undefined ? undefined : Number(from),
    totalBytes: total === undefined ? undefined : Number(total),
  };
}
