import { isCodeValue } from "./is-code-value.ts";
import { looksRandom } from "./looks-random.ts";
import { redactionMark } from "./redaction-mark.ts";
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

/*
 * Each is linear: what repeats without a bound can't fail behind it, or begins only at the beginning of a word.
 */
const PATTERNS: readonly Pattern[] = [
  { kind: "AWS key", pattern: new RegExp(`${START}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])`, "g") },
  { kind: "GitHub token", pattern: /gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}/g },
  {
    kind: "GitLab token",
    pattern: new RegExp(`${START}gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[\\w-]{20,}`, "g"),
  },
  { kind: "Slack token", pattern: /xox[a-z]-[\w-]{10,}|xapp-[\w-]{20,}|hooks\.slack\.com\/services\/[\w/]{20,}/g },
  { kind: "Google key", pattern: /AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}/g },
  {
    kind: "API key",
    pattern: new RegExp(
      `${START}(?:(?:sk|rk|pk|xai|pplx)-(?=[\\w-]*\\d)[A-Za-z0-9][\\w-]{19,}|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|(?:sk|rk|pk|gsk|r8|fw)_(?=[A-Za-z]*\\d)[A-Za-z0-9]{20,})`,
      "g",
    ),
  },
  { kind: "Hugging Face token", pattern: /hf_[A-Za-z0-9]{30,}/g },
  { kind: "npm token", pattern: /npm_[A-Za-z0-9]{36,}/g },
  { kind: "PyPI token", pattern: /pypi-[\w-]{50,}/g },
  { kind: "token", pattern: /(?:dop_v1_|dapi|shpat_|lin_api_|dckr_pat_|hvs\.|SG\.|AGE-SECRET-KEY-1)[\w-]{20,}/g },
  { kind: "JSON web token", pattern: new RegExp(`${START}eyJ[\\w-]{8,}\\.[\\w-]{8,}\\.[\\w-]{8,}`, "g") },
];
const IN_ADDRESS = /(:\/\/[^\s/:@"'<>]{0,256}:)([^\s/"'<>]{1,256})(?=@)/g;
const AUTHORIZATION = /\b((?:bearer|basic)[ \t]{1,4})([A-Za-z0-9._~+/=-]{16,})/gi;
/** Stands where documents show that a password would stand, or where a program puts one in. */
const PLACEHOLDER = /^(?:password|passwd|pass|pwd|secret|[x*.…]+|[$%]?\{[^}]*\}|[$%]\([^)]*\)s?|\$[a-z_]+)$/i;
/** Without quotes a value ends where another assignment of an address or a form begins. */
const ASSIGNMENT =
  /((?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?:api|access|private|secret|account|signing)[_-]?key|auth)[\w-]{0,20})((?:\\?["'])?\s{0,4}(?:=>|:=|[:=])\s{0,4})(?:(\\?["'`])([^\s"'`,;(){}[\]<>\\]{8,512})|((?:[^\s"'`,;(){}[\]<>\\&]|&(?![\w.-]{1,40}=)){8,512}))/gi;
/** Of names that mean a secret only where something is assigned to them. */
const SECRET_HERE = /^(?:pwd|accountkey|authorization)$/i;
const NEXT_CHARS = 8;
const KEY_BEGINS = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const KEY_END = /-----END[A-Z0-9 ]{0,40}-{0,5}/y;
const KEY_PIECE = /[A-Za-z0-9+/=]{30}/;
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

/** Takes a value out whose name says that it is a secret. */
export function redactNamed(name: string, value: string): Redacted {
  return isSecretName(name) && looksRandom(value)
    ? { text: redactionMark("secret"), count: 1 }
    : { text: value, count: 0 };
}

function redactForms(text: string, forms: readonly string[]): Redacted {
  let [rest, count] = [text, 0];
  for (const form of forms) {
    const parts = rest.split(form);
    count += parts.length - 1;
    if (parts.length > 1) rest = parts.join(redactionMark("known secret"));
  }
  return { text: rest, count };
}

function redactPatterns(redacted: Redacted): Redacted {
  let { text, count } = redactKeys(redacted);
  const replaced = (kind: string): string => {
    count++;
    return redactionMark(kind);
  };
  for (const { kind, pattern } of PATTERNS) text = text.replace(pattern, () => replaced(kind));
  text = text.replace(IN_ADDRESS, (all, head: string, value: string) =>
    PLACEHOLDER.test(value) ? all : head + replaced("password"),
  );
  text = text.replace(AUTHORIZATION, (all, head: string, value: string) =>
    looksRandom(value) ? head + replaced("secret") : all,
  );
  return redactAssignments({ text, count });
}

function redactAssignments({ text, count: before }: Redacted): Redacted {
  let [out, from, count] = ["", 0, before];
  for (const found of text.matchAll(ASSIGNMENT)) {
    const head = headOfSecret(found);
    if (head === undefined) continue;
    out += text.slice(from, found.index) + head + redactionMark("secret");
    from = found.index + found[0].length;
    count++;
  }
  return { text: out + text.slice(from), count };
}

/** Private keys, to their end mark, or as far as they go where that is missing. Without a key, marks are words. */
function redactKeys({ text, count: before }: Redacted): Redacted {
  let out = "";
  let from = 0;
  let count = before;
  let end = 0;
  const begins = [...text.matchAll(KEY_BEGINS)];
  for (const [which, { index, 0: begin }] of begins.entries()) {
    if (index < from) continue;
    const body = index + begin.length;
    // Looked for once behind each place, or many beginnings would go over the whole text each.
    if (end >= 0 && end < body) end = text.indexOf("-----END", body);
    const next = begins[which + 1]?.index ?? text.length;
    const isWhole = end >= 0 && end < next && end - body <= MAX_KEY_CHARS && KEY_PIECE.test(text.slice(body, end));
    const rest = isWhole ? KEY_END : KEY_LINES;
    rest.lastIndex = isWhole ? end : body;
    const length = rest.exec(text)?.[0].length ?? 0;
    if (length === 0) continue;
    out += text.slice(from, index) + redactionMark("private key");
    from = (isWhole ? end : body) + length;
    count++;
  }
  return { text: out + text.slice(from), count };
}

/** What stands before the secret of an assignment; undefined when there is none in it. Pure. */
function headOfSecret(found: RegExpExecArray): string | undefined {
  const [all, name = "", separator = "", quote = "", quoted = "", bare = ""] = found;
  if (!isSecretName(name) && !SECRET_HERE.test(name)) return undefined;
  const value = quoted === "" ? bare : quoted;
  const end = found.index + all.length;
  const next = found.input.slice(end, end + NEXT_CHARS);
  if (!looksRandom(value) || (next.startsWith("{") && value.endsWith("$"))) return undefined;
  return quote === "" && isCodeValue({ value, separator, next }) ? undefined : name + separator + quote;
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
