const BARE_NAMES = new Set(
  "Makefile Dockerfile Containerfile LICENSE NOTICE README CHANGELOG Gemfile Procfile Rakefile Justfile Vagrantfile Jenkinsfile Caddyfile CODEOWNERS".split(
    " ",
  ),
);
const LABEL =
  /^[\s#*`_-]{0,12}(?:\d{1,3}[.)]\s+)?[*`_]{0,3}(?:file|filename)[*`_]{0,3}\s{0,4}:[*_]{0,3}\s{0,8}(.{1,300})$/i;

/** The path a `FILE:`, `File:` or `Filename:` line names. */
export function labelledPath(line: string): string | undefined {
  const written = LABEL.exec(line.trimEnd())?.[1];
  if (written === undefined) return undefined;
  const path = undecorated(written);
  if (path === "" || path.length > 255) return undefined;
  // With white space in it, only its extension tells a path from a sentence.
  return !/\s/.test(path) || /\.\w{1,10}$/.test(path) ? path : undefined;
}

/** The path a line consists of; a line of prose is none. */
export function pathLine(line: string): string | undefined {
  const labelled = labelledPath(line);
  if (labelled !== undefined) return labelled;
  const path = undecorated(line.trim().replace(/^#{1,6}\s+/, ""));
  if (path === "" || path.length > 255 || !/^[^\s<>"|*?`]+$/.test(path) || /[.,:;!?]$/.test(path)) return undefined;
  if (/^[=<>`~-]+$/.test(path)) return undefined;
  return /[./\\]/.test(path) || BARE_NAMES.has(path) ? path : undefined;
}

function undecorated(written: string): string {
  return written
    .trim()
    .replace(/:$/, "")
    .replace(/^[*`"']+/, "")
    .replace(/[*`"':]+$/, "")
    .trim();
}
