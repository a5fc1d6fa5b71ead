import assert from "node:assert/strict";
import { test } from "node:test";
import { looksRandom } from "./looks-random.ts";
import { redactorOf } from "./redact.ts";
import { isSecretName, secretsOf } from "./secrets-of.ts";

/* Put together when they are needed, so that nobody takes a line of this file for a secret. */
const letters = (count: number): string =>
  Array.from({ length: count }, (_, index) => "aB3dE5gH7jK9mN1pQ"[(index * 7) % 17]).join("");
const joined = (...parts: readonly string[]): string => parts.join("");
const secret = joined("s3cr", "et/v+al", "ue=", "?x");

const known = redactorOf([secret]);
const none = redactorOf([]);

test("well-known secrets are taken out, by their form", () => {
  const values = {
    "AWS key": joined("AKIA", "A2B3C4D5E6F7G8H9"),
    "GitHub token": joined("ghp_", letters(36)),
    "GitLab token": joined("glpat-", letters(20)),
    "Slack token": joined("xoxb-", "1234567890-", letters(12)),
    "Google key": joined("AIza", letters(35)),
    "API key": joined("sk-", "ant-", letters(30)),
    "Hugging Face token": joined("hf_", letters(34).replaceAll(/\d/g, "x")),
    "npm token": joined("npm_", letters(36)),
    "PyPI token": joined("pypi-", letters(60)),
    "JSON web token": joined("eyJ", letters(20), ".", "eyJ", letters(20), ".", letters(30)),
  };
  for (const [kind, value] of Object.entries(values)) {
    assert.deepEqual(none(`a ${value}, b`), { text: `a [${kind} taken out], b`, count: 1 }, kind);
    assert.deepEqual(none(`"a\\n${value}"`), { text: `"a\\n[${kind} taken out]"`, count: 1 }, kind);
  }
});

test("private keys are taken out whole, and as far as they go", () => {
  const body = `${letters(64)}\n${letters(64)}\n`;
  const [begin, end] = [joined("-----BEGIN RSA ", "PRIVATE KEY-----"), joined("-----END RSA ", "PRIVATE KEY-----")];
  assert.deepEqual(none(`a\n${begin}\n${body}${end}\nb`), { text: "a\n[private key taken out]\nb", count: 1 });
  assert.deepEqual(none(`a\n${begin}\n${body}and more`), { text: "a\n[private key taken out]\nand more", count: 1 });
  assert.deepEqual(none(JSON.stringify(`${begin}\n${body}${end}\n`)), {
    text: '"[private key taken out]\\n"',
    count: 1,
  });
});

test("passwords in addresses, headers and assignments are taken out, and their names stay", () => {
  const value = joined("x7Q", "9-zL", "2pV0");
  assert.equal(none(`postgres://me:${value}@host/db`).text, "postgres://me:[password taken out]@host/db");
  assert.equal(none(`Authorization: Bearer ${value}${value}`).text, "Authorization: Bearer [secret taken out]");
  for (const [before, behind] of [
    ["password=", ""],
    ["API_KEY: '", "'"],
    ['"client_secret": "', '"'],
    ['\\"token\\":\\"', '\\"'],
    ["DB_PASSWORD_2 = ", ""],
    ["Server=db;Pwd=", ";Timeout=30"],
    ["https://h/cb?token=", "&state=1"],
  ])
    assert.deepEqual(none(`${before}${value}${behind}`), { text: `${before}[secret taken out]${behind}`, count: 1 });
});

test("each secret of a form is taken out, and a password that is a name in a settings file", () => {
  const value = joined("x7Q", "9zL2pV0");
  assert.equal(none(`a_token=${value}&a_secret=${value}&b=1`).count, 2);
  const named = joined("Correct", "Horse7Battery");
  for (const text of [`PASSWORD=${named}`, `password: ${named}\n`, `Password=${named};`, `password = "${named}",`])
    assert.equal(none(text).count, 1, text);
});

test("what only reads like a secret stays", () => {
  const texts = [
    "password = get_password()",
    "token = tokens[index]",
    "secret: process.env.SECRET_1",
    "password: string",
    "max_tokens: 4096000000",
    "the key sk-something is a name",
    "auth: /var/lib/app1",
    "const keyboard = 'qwertzuiop'",
    "http://localhost:8080/a@b",
    "tokens per second: 12.5",
    "const roomTokens = this.#sequence.contextSize - 1 - feed.length2;",
    "auth_str = base64.standard_b64encode(credentials).decode()",
    "  authInfo: options1?.authInfo1",
    "authProvider: this.#login2 }",
    "private_key: ed25519.Ed25519PrivateKey, f",
    "    token: serverToken2,",
    "const secret = AuthenticationMD5Secret;",
    "grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'",
    'author_email="somebody1@example.com"',
    "export const SECRET = `swordfish-1-${randomUUID()}`",
    "_lib.sk_X509_EXTENSION_new_null()",
    "postgres://postgres:${config.password}@${host}/x",
    "redis://username:password@localhost",
    "if (text.includes('-----BEGIN PRIVATE KEY-----') && text.includes('-----END PRIVATE KEY-----'))",
  ];
  for (const text of texts) assert.deepEqual(none(text), { text, count: 0 });
});

test("a known secret is found in each form that it may be written in", () => {
  const hidden = Buffer.from(secret);
  const forms = [
    secret,
    JSON.stringify(secret),
    encodeURIComponent(secret),
    encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
    ...["", "u", "us", "use"].flatMap((before) => [
      Buffer.concat([Buffer.from(before), hidden, Buffer.from("tail")]).toString("base64"),
      Buffer.concat([Buffer.from(before), hidden]).toString("base64url"),
    ]),
    hidden.toString("hex"),
    hidden.toString("hex").toUpperCase(),
  ];
  for (const form of forms) {
    const { text, count } = known(`<${form}>`);
    assert.equal(count, 1, form);
    assert.ok(text.includes("[known secret taken out]"), form);
  }
  assert.equal(known(`${secret}\n${secret}`).count, 2);
});

test("values under six characters are not looked for, and lines of long ones are", () => {
  assert.equal(redactorOf(["abc12"])("abc123 abc12").count, 0);
  const line = letters(40);
  assert.equal(redactorOf([`first\n${line}\nlast`])(`x ${line} y`).text, "x [known secret taken out] y");
});

test("secrets of an environment are known by the names of variables, and by addresses with a password", () => {
  assert.deepEqual(
    secretsOf({
      GITHUB_TOKEN: "abcdef1",
      PGPASSWORD: "abcdef2",
      npm_config__auth: "abcdef3",
      DATABASE_URL: "postgres://me:abc%2Fdef@host/db",
      SHORT_KEY: "abc",
      MAX_TOKEN: "1000000",
      PWD: "/home/somebody",
      KEY_FILE: "/run/secrets/key",
      SSH_AUTH_SOCK: "/tmp/agent",
      PATH: "/usr/bin",
      EMPTY_TOKEN: undefined,
    }),
    ["abcdef1", "abcdef2", "abcdef3", "abc%2Fdef", "abc/def"],
  );
  for (const name of ["apiKey", "db-password", "X_SECRET", "clientSecret"])
    assert.equal(isSecretName(name), true, name);
  for (const name of ["monkeys_eat", "compass", "bypass", "author", "passing", "PWD"])
    assert.equal(isSecretName(name), false, name);
  assert.deepEqual(["aaaaaaaaaaaa1", "password", "12345678901", "x7Q9zL2pV0aa"].map(looksRandom), [
    false,
    false,
    false,
    true,
  ]);
});

test("texts made to be slow to search are not", () => {
  const secrets = redactorOf(Array.from({ length: 20 }, (_, index) => `known-secret-${index}`));
  for (const piece of [
    "eyJ",
    "eyJaaaaaaaa.",
    "://a:",
    "://",
    "password",
    "token=",
    "sk-",
    "-----BEGIN PRIVATE KEY-----",
    "bearer ",
    "a",
    "xox",
    "auth_",
  ])
    assert.ok(secrets(piece.repeat(1_000_000 / piece.length)).text.length > 0);
});
