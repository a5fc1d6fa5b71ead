/** What the first bytes of a connection are. */
export type FirstBytes =
  | { readonly kind: "incomplete" }
  /** A TLS ClientHello, and the server it names, if it does. */
  | { readonly kind: "hello"; readonly serverName: string | undefined }
  | { readonly kind: "other" };

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const RECORD_HEADER_BYTES = 5;
const MAX_RECORD_BYTES = 2 ** 14;

/**
 * Reads the ClientHello that a TLS connection begins with (RFC 8446, 4.1.2; RFC 6066, 3). Pure.
 *
 * Strict: one that is cut over several records, or names more than one server, is `other`, for its server might read
 * another name than this does.
 */
export function readClientHello(bytes: Buffer): FirstBytes {
  if (bytes.length > 0 && bytes[0] !== HANDSHAKE_RECORD) return { kind: "other" };
  if (bytes.length < RECORD_HEADER_BYTES) return { kind: "incomplete" };
  const recordBytes = bytes.readUInt16BE(3);
  if (recordBytes > MAX_RECORD_BYTES) return { kind: "other" };
  const record = bytes.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + recordBytes);
  if (record.length < recordBytes) return { kind: "incomplete" };
  const names = serverNames(record);
  return names === undefined || names.length > 1 ? { kind: "other" } : { kind: "hello", serverName: names[0] };
}

/** The names in a handshake record; undefined when it is no whole ClientHello. */
function serverNames(record: Buffer): string[] | undefined {
  const header = split(record, 1, 3);
  if (record[0] !== CLIENT_HELLO || header === undefined || header.rest.length > 0) return undefined;
  // After version and random: session id, cipher suites, compression methods; then the extensions.
  const session = split(header.body, 34, 1);
  const ciphers = session && split(session.rest, 0, 2);
  const compression = ciphers && split(ciphers.rest, 0, 1);
  const extensions = compression && split(compression.rest, 0, 2);
  if (extensions === undefined || extensions.rest.length > 0) return undefined;
  const names: string[] = [];
  // Each round takes at least four bytes of at most 2^14.
  for (let left = extensions.body; left.length > 0; ) {
    const extension = split(left, 2, 2);
    if (extension === undefined) return undefined;
    if (left.readUInt16BE(0) === SERVER_NAME) {
      const list = split(extension.body, 0, 2);
      const entry = list && split(list.body, 1, 2);
      if (entry === undefined || entry.rest.length > 0 || list?.body[0] !== 0) return undefined;
      names.push(entry.body.toString("latin1"));
    }
    left = extension.rest;
  }
  return names;
}

/** Skips `skip` bytes and takes a field that begins with its length in `lengthBytes` bytes; undefined when there are fewer. */
function split(bytes: Buffer, skip: number, lengthBytes: number): { body: Buffer; rest: Buffer } | undefined {
  const start = skip + lengthBytes;
  if (bytes.length < start) return undefined;
  const end = start + bytes.readUIntBE(skip, lengthBytes);
  return bytes.length < end ? undefined : { body: bytes.subarray(start, end), rest: bytes.subarray(end) };
}
