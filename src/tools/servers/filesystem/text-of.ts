import { ToolFailure } from "../tool-failure.ts";

/** The text of a file. @throws {ToolFailure} when the bytes are none. */
export function textOf(bytes: Uint8Array, path: string): string {
  const text = textOrNot(bytes);
  if (text !== undefined) return text;
  throw new ToolFailure(
    `${path} is not a text file (${bytes.length} bytes of binary data); look at it with run_command, like: file '${path}'`,
  );
}

/** The text, or undefined when the bytes are not UTF-8 or hold a NUL. A byte order mark stays. */
export function textOrNot(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
