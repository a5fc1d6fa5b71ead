/** Where a kind of file shows what it is. */
const SIGNATURES: readonly { readonly type: string; readonly hex: string; readonly at?: number }[] = [
  { type: "program for Linux", hex: "7f454c46" },
  { type: "program for Windows", hex: "4d5a" },
  { type: "program for macOS", hex: "feedface" },
  { type: "program for macOS", hex: "feedfacf" },
  { type: "program for macOS", hex: "cefaedfe" },
  { type: "program for macOS", hex: "cffaedfe" },
  { type: "program for Java or macOS", hex: "cafebabe" },
  { type: "program for Android", hex: "6465780a" },
  { type: "package for Debian", hex: "213c617263683e0a" },
  { type: "package for rpm", hex: "edabeedb" },
  { type: "image/png", hex: "89504e470d0a1a0a" },
  { type: "image/jpeg", hex: "ffd8ff" },
  { type: "image/gif", hex: "47494638" },
  { type: "image/webp", hex: "57454250", at: 8 },
  { type: "application/pdf", hex: "255044462d" },
  { type: "application/zip", hex: "504b0304" },
  { type: "application/gzip", hex: "1f8b" },
];

const BY_EXTENSION: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  pdf: "application/pdf",
  zip: "application/zip",
  whl: "application/zip",
  gz: "application/gzip",
  tgz: "application/gzip",
};
const SHOWN = new Set(Object.values(BY_EXTENSION));

/** What the first bytes of a file say it is, or undefined for one without a signature. Pure. */
export function sniffType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 512));
  const found = SIGNATURES.find(({ hex, at = 0 }) => head.subarray(at, at + hex.length / 2).toString("hex") === hex);
  if (found !== undefined) return found.type;
  const text = head.toString("latin1").replace(/^\u00ef\u00bb\u00bf/, "");
  return /^\s*(?:<!doctype html|<html|<head)\b/i.test(text) ? "text/html" : undefined;
}

/**
 * Why a file is not kept, or undefined when it is. Pure.
 *
 * Programs and packages that a machine would run are never kept: software comes by install_package. Scripts are text,
 * are kept without the right to execute, and run nowhere but in the sandbox. A file whose bytes are another kind than
 * its header or its name says is not what was asked for, most often a page that says so.
 */
export function typeProblem(bytes: Uint8Array, declared: string | undefined, path: string): string | undefined {
  const found = sniffType(bytes);
  if (found !== undefined && /^(program|package) /.test(found))
    return `it is a ${found}, and programs are not downloaded; use install_package for software`;
  const said = declared?.split(";")[0]?.trim().toLowerCase();
  const named = BY_EXTENSION[/\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ""];
  const promised = named ?? (said !== undefined && SHOWN.has(said) ? said : undefined);
  if (promised === undefined || promised === found) return undefined;
  const advice = found === "text/html" ? "the server answered with a web page; look for the file's own address" : "";
  return `it is ${found ?? "something else"}, not ${promised}${advice === "" ? "" : `: ${advice}`}`;
}
