import { type DocumentPassage, splitPassages } from "../../../memory/split-passages.ts";
import { readEntry } from "../filesystem/read-inside.ts";
import { walkInside } from "../filesystem/walk-inside.ts";
import { ToolFailure } from "../tool-failure.ts";

const MAX_DEPTH = 8;
const MAX_FILES = 400;
const MAX_FILE_BYTES = 512 * 1024;
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * The passages of a workspace's documents: Markdown and the like anywhere, plain text in `docs/`. What can't be read
 * is passed over; beyond 400 documents or 8 MiB no more are read.
 */
export async function readDocuments(root: string, signal: AbortSignal): Promise<DocumentPassage[]> {
  const passages: DocumentPassage[] = [];
  let files = 0;
  let bytes = 0;
  for await (const entry of walkInside(root, { path: ".", depth: MAX_DEPTH }, signal)) {
    if (entry.kind !== "file" || !isDocument(entry.path) || entry.bytes > MAX_FILE_BYTES) continue;
    files += 1;
    bytes += entry.bytes;
    if (files > MAX_FILES || bytes > MAX_BYTES) break;
    try {
      passages.push(...splitPassages(entry.path, readEntry(entry.folder, entry.name, entry.path).toString("utf8")));
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
    }
  }
  return passages;
}

function isDocument(path: string): boolean {
  return /\.(?:md|markdown|rst|adoc)$|^docs\/.*\.txt$|^readme(?:\.txt)?$/i.test(path);
}
