import { open, stat } from "node:fs/promises";
import { messageOf, missingError } from "../../base/errors.ts";
import type { AtosError } from "../../base/errors.ts";

/**
 * Looks whether `path` can be a model file at all, before a process is started for it: it exists, is
 * a file, and begins as GGUF does. Whether it is whole is found when it is loaded.
 *
 * @throws `engine/model-not-found`, `engine/model-broken`
 */
export async function checkGgufFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (found.isDirectory()) throw modelBroken(path, "it is a folder; name the .gguf file inside it");
  if (!found.isFile()) throw modelBroken(path, "it is no regular file");
  if (found.size === 0) throw modelBroken(path, "the file is empty");
  const magic = await firstBytes(path, 4);
  if (magic !== "GGUF") throw modelBroken(path, `it begins with ${JSON.stringify(magic)} and not with "GGUF"`);
}

/** The one error for a file that is there and is no usable model. */
export function modelBroken(path: string, why: string, cause?: unknown): AtosError {
  const text = `the model file ${path} can't be used: ${why}; get the file again, or choose another model`;
  return missingError("engine/model-broken", text, cause);
}

async function firstBytes(path: string, length: number): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): AtosError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOENT" && code !== "ENOTDIR") return modelBroken(path, messageOf(error), error);
  const why = `there is no model file ${path}; check the path, or download the model to it`;
  return missingError("engine/model-not-found", why, error);
}
