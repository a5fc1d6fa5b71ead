import { isUtf8 } from "node:buffer";
import type { ObjectStore } from "./object-store.ts";
import { MODE, type TreeLine } from "./tree-lines.ts";

/** What a tree holds at a path. Text is UTF-8 without zero bytes; of a link it is the path that the link names. */
export type FileContent =
  | { readonly kind: "text"; readonly content: string }
  | { readonly kind: "link"; readonly content: string }
  | { readonly kind: "binary"; readonly bytes: number };

/** Undefined for a folder and a submodule. */
export async function readContentOf(objects: ObjectStore, line: TreeLine): Promise<FileContent | undefined> {
  if (line.mode === MODE.folder || line.mode === MODE.submodule) return undefined;
  const bytes = await objects.blob(line.hash);
  if (line.mode === MODE.link) return { kind: "link", content: bytes.toString("utf8") };
  if (bytes.includes(0) || !isUtf8(bytes)) return { kind: "binary", bytes: bytes.length };
  return { kind: "text", content: bytes.toString("utf8") };
}
