import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A path by which this process, and no other, can open what `content` says as often as it likes, each time from the
 * beginning. Linux only. The file has no name: it goes with the process, which keeps one descriptor for it.
 */
export function reopenableFile(content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), "atos-file-"));
  try {
    const path = join(folder, "content");
    writeFileSync(path, content, { mode: 0o400 });
    return `/proc/self/fd/${openSync(path, "r")}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
