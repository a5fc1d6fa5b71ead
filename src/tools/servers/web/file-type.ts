/** Where a kind of file shows what it is. */
const SIGNATURES: readonly { readonly type: string; readonly hex: string; readonly at?: number }[] = [
  { type: "program for Linux", hex: "7f454c46" },
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

const BY_EXTENSION: ReadonlyMap<string, string> = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
  ["pdf", "application/pdf"],
  ["zip", "application/zip"],
  ["whl", "application/zip"],
  ["gz", "application/gzip"],
  ["tgz", "application/gzip"],
]);
const SHOWN = new Set(BY_EXTENSION.values());
const PAGES = new Set(["html", "htm", "xhtml"]);

/** What the first bytes of a file say it is, or undefined for one without a signature. Pure. */
export function sniffType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 512));
  const found = SIGNATURES.find(({ hex, at = 0 }) => head.subarray(at, at + hex.length / 2).toString("hex") === hex);
  if (found !== undefined) return found.type;
  if (isForWindows(Buffer.from(bytes))) return "program for Windows";
  const text = head.toString("latin1").replace(/^\u00ef\u00bb\u00bf/, "");
  const isPage = /^(?:\s|<!--(?:(?!-->)[^])*-->)*(?:<!doctype html|<html|<head|<body|<title)\b/i.test(text);
  return isPage ? "text/html" : undefined;
}

/** Two letters alone may begin a text; a program says at 0x3c where its own header is. */
function isForWindows(bytes: Buffer): boolean {
  if (bytes.length < 0x40 || bytes.toString("latin1", 0, 2) !== "MZ") return false;
  const at = bytes.readUInt32LE(0x3c);
  return ["PE", "NE", "LE", "LX"].includes(bytes.toString("latin1", at, at + 2));
}

/**
 * Why a file is not kept, or undefined when it is. Pure.
 *
 * Programs and packages that a machine would run are never kept: software comes by install_package. Scripts are text,
 * are kept without the right to execute, and run nowhere but in the sandbox. A file whose bytes are another kind than
 * its header or its name says is not what was asked for, most often a page that says so; a page is kept only under
 * the name of one.
 */
export function typeProblem(bytes: Uint8Array, declared: string | undefined, path: string): string | undefined {
  const found = sniffType(bytes);
  if (found !== undefined && /^(program|package) /.test(found))
    return `it is a ${found}, and programs are not downloaded; use install_package for software`;
  const said = declared?.split(";")[0]?.trim().toLowerCase();
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const named = BY_EXTENSION.get(extension);
  const promised = named ?? (said !== undefined && SHOWN.has(said) ? said : undefined);
  if (found === "text/html" && promised === undefined && !PAGES.has(extension))
    return "it is a web page; look for the file's own address, or name it .html if the page is what you want";
  if (promised === undefined || promised === found) return undefined;
  const advice = found === "text/html" ? "the server answered with a web page; look for the file's own address" : "";
  return `it is ${found ?? "something else"}, not ${promised}${advice === "" ? "" : `: ${advice}`}`;
}
