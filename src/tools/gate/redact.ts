import { isSecretName } from "./secrets-of.ts";

/** `count` is how many were taken out. */
export type Redacted = { readonly text: string; readonly count: number };

/** Takes secrets out of a text, and leaves what kind it was in their place. */
export type Redactor = (text: string) => Redacted;

type Pattern = { readonly kind: string; readonly pattern: RegExp };

/** A shorter value would be found everywhere. */
const MIN_CHARS = 6;
/** One line of a secret with several, such as a key file. */
const MIN_LINE_CHARS = 16;
/** Not within a word; the `n` of an escaped line break is not one. */
const START = String.raw`(?:(?<![\w-])|(?<=\\[nrt]))`;
const MIN_BITS = 28;

/*
 * Each is linear: what repeats without a bound can't fail behind it, or begins only at the beginning of a word.
 */
const PATTERNS: readonly Pattern[] = [
  { kind: "AWS key", pattern: /(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}/g },
  { kind: "GitHub token", pattern: /gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}/g },
  { kind: "GitLab token", pattern: new RegExp(`${START}gl[a-z]{2,6}-[\\w-]{20,}`, "g") },
  { kind: "Slack token", pattern: /xox[a-z]-[\w-]{10,}|xapp-[\w-]{20,}|hooks\.slack\.com\/services\/[\w/]{20,}/g },
  { kind: "Google key", pattern: /AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}/g },
  {
    kind: "API key",
    pattern: new RegExp(`${START}(?:sk|rk|pk|gsk|xai|pplx|r8|fw)[-_](?=[\\w-]*\\d)[A-Za-z0-9][\\w-]{19,}`, "g"),
  },
  { kind: "Hugging Face token", pattern: /hf_[A-Za-z0-9]{30,}/g },
  { kind: "npm token", pattern: /npm_[A-Za-z0-9]{36,}/g },
  { kind: "PyPI token", pattern: /pypi-[\w-]{50,}/g },
  { kind: "token", pattern: /(?:dop_v1_|dapi|shpat_|lin_api_|dckr_pat_|hvs\.|SG\.|AGE-SECRET-KEY-1)[\w-]{20,}/g },
  { kind: "JSON web token", pattern: new RegExp(`${START}eyJ[\\w-]{8,}\\.[\\w-]{8,}\\.[\\w-]{8,}`, "g") },
];
const IN_ADDRESS = /(:\/\/[^\s/:@"'<>]{0,256}:)([^\s/"'<>]{1,256})(?=@)/g;
const AUTHORIZATION = /\b((?:bearer|basic)[ \t]{1,4})([A-Za-z0-9._~+/=-]{16,})/gi;
const ASSIGNMENT =
  /((?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?:api|access|private|secret|account|signing)[_-]?key|auth)[\w-]{0,20}(?:\\?["'])?\s{0,4}(?:=>|:=|[:=])\s{0,4}(?:\\?["'`])?)([^\s"'`,;(){}[\]<>\\]{8,512})/gi;
const KEY_BEGINS = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const KEY_END = /-----END[A-Z0-9 ]{0,40}-{0,5}/y;
const KEY_LINES = /(?:[\s\\nr]{0,8}[A-Za-z0-9+/=]{30,})*/y;
const MAX_KEY_CHARS = 32_768;

/**
 * Makes a redactor that knows the forms of well-known secrets, and these ones by value: as they are, and as base64
 * (wherever in a longer text), hexadecimal, URL-encoded and JSON-escaped. Values under 6 characters are not looked for.
 */
export function redactorOf(secrets: readonly string[]): Redactor {
  const forms = [...new Set(secrets.flatMap(formsOf))].toSorted((one, other) => other.length - one.length);
  return (text) => redactPatterns(redactForms(text, forms));
}

/** Whether a value has so much chance in it that it may be a secret: 28 bits, and not letters alone. Pure. */
export function looksRandom(value: string): boolean {
  if (value.length < 8 || !/[^A-Za-z_.-]/.test(value) || /^[\d.,:/-]+$/.test(value)) return false;
  // Names of variables, which secrets are kept in, and paths.
  if (/^\$|^process\.|^os\.|^env\.|^\.{0,2}\/|^[a-z]+:\/\//i.test(value)) return false;
  const counts = new Map<string, number>();
  const sample = value.slice(0, 512);
  for (const char of sample) counts.set(char, (counts.get(char) ?? 0) + 1);
  const bits = [...counts.values()].reduce((sum, count) => sum - count * Math.log2(count / sample.length), 0);
  return bits >= MIN_BITS;
}

/** Takes a value out whose name says that it is a secret. */
export function redactNamed(name: string, value: string): Redacted {
  return isSecretName(name) && looksRandom(value) ? { text: mark("secret"), count: 1 } : { text: value, count: 0 };
}

function redactForms(text: string, forms: readonly string[]): Redacted {
  let [rest, count] = [text, 0];
  for (const form of forms) {
    const parts = rest.split(form);
    count += parts.length - 1;
    if (parts.length > 1) rest = parts.join(mark("known secret"));
  }
  return { text: rest, count };
}

function redactPatterns(redacted: Redacted): Redacted {
  let { text, count } = redactKeys(redacted);
  const replaced = (kind: string): string => {
    count++;
    return mark(kind);
  };
  for (const { kind, pattern } of PATTERNS) text = text.replace(pattern, () => replaced(kind));
  text = text.replace(IN_ADDRESS, (_, head: string) => head + replaced("password"));
  text = text.replace(AUTHORIZATION, (all, head: string, value: string) =>
    looksRandom(value) ? head + replaced("secret") : all,
  );
  text = text.replace(ASSIGNMENT, (all, head: string, value: string) =>
    looksRandom(value) ? head + replaced("secret") : all,
  );
  return { text, count };
}

/** Private keys, to their end mark, or as far as they go where that is missing. */
function redactKeys({ text, count: before }: Redacted): Redacted {
  let out = "";
  let from = 0;
  let count = before;
  let end = 0;
  for (const { index, 0: begin } of text.matchAll(KEY_BEGINS)) {
    if (index < from) continue;
    const body = index + begin.length;
    // Looked for once behind each place, or many beginnings would go over the whole text each.
    if (end >= 0 && end < body) end = text.indexOf("-----END", body);
    const isWhole = end >= 0 && end - body <= MAX_KEY_CHARS;
    const rest = isWhole ? KEY_END : KEY_LINES;
    rest.lastIndex = isWhole ? end : body;
    const length = rest.exec(text)?.[0].length ?? 0;
    out += text.slice(from, index) + mark("private key");
    from = (isWhole ? end : body) + length;
    count++;
  }
  return { text: out + text.slice(from), count };
}

/** How a secret may be written. */
function formsOf(secret: string): readonly string[] {
  const value = secret.trim();
  if (value.length < MIN_CHARS) return [];
  const bytes = Buffer.from(value);
  const url = encodeURIComponent(value.toWellFormed());
  const base64 = [0, 1, 2].flatMap((offset) => {
    // Behind other bytes the first letters are theirs in part; so are the last ones.
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const inside = text.slice(offset === 0 ? 0 : offset + 1, (offset + bytes.length) % 3 === 0 ? undefined : -1);
    return [inside, inside.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const lines = value.split("\n").map((line) => line.trim());
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    url,
    url.replaceAll("%20", "+"),
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    ...base64,
    ...(lines.length > 1 ? lines.filter((line) => line.length >= MIN_LINE_CHARS && !line.startsWith("-----")) : []),
  ].filter((form) => form.length >= MIN_CHARS);
}

function mark(kind: string): string {
  return `[${kind} taken out]`;
}
