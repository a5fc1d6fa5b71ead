type Environment = Readonly<Record<string, string | undefined>>;

const SECRET_PART =
  /^(?:PASS|PWD|PAT|AUTH|COOKIE|DSN|KEYS?)$|(?:(?:API|ACCESS|PRIVATE|SECRET|SSH|SIGNING)KEYS?|TOKEN|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$/;
/** They say where something is, or how it is used. */
const HARMLESS = /^(?:OLD)?PWD$|_(?:FILE|PATH|DIR|SOCK|ID|NAME|VARIABLE|COMMAND|HELPER|TYPE|USER)$/;
const IN_ADDRESS = /:\/\/([^\s/:@]*):([^\s/]+)@/;
const NO_SECRET = /^(?:\d{1,15}|true|false|default|disabled|enabled)$/i;
/** A shorter one would be found everywhere. */
const MIN_CHARS = 6;

/** Whether something of this name is likely to be a secret: `GITHUB_TOKEN`, `apiKey`, `db-password`. Pure. */
export function isSecretName(name: string): boolean {
  if (name.length > 200) return false;
  const upper = name
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z\d]+/g, "_")
    .toUpperCase();
  return !HARMLESS.test(upper) && upper.split("_").some((part) => SECRET_PART.test(part));
}

/** The secrets of an environment, by the names of its variables, and the passwords of the addresses in it. Pure. */
export function secretsOf(env: Environment): readonly string[] {
  const found = Object.entries(env).flatMap(([name, value = ""]) => {
    const password = IN_ADDRESS.exec(value.slice(0, 4096))?.[2];
    const passwords = password === undefined ? [] : [password, unescape(password)];
    return isSecretName(name) ? [value, ...passwords] : passwords;
  });
  const values = found.map((value) => value.trim());
  return [...new Set(values.filter((value) => value.length >= MIN_CHARS && !NO_SECRET.test(value)))];
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
