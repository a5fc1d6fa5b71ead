import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalHost, parseTarget, targetText } from "./network-target.ts";

test("a host has one form", () => {
  const forms = {
    "Registry.NPMJS.org": "registry.npmjs.org",
    "pypi.org.": "pypi.org",
    localhost: "localhost",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    under_score: "under_score",
    "1password.com": "1password.com",
    "127.0.0.1": "127.0.0.1",
    "[::1]": "::1",
    "2606:4700:0:0:0:0:0:1": "2606:4700::1",
    "[2606:4700::A]": "2606:4700::a",
    "[::ffff:127.0.0.1]": "127.0.0.1",
    "[::ffff:7f00:1]": "127.0.0.1",
  };
  for (const [text, host] of Object.entries(forms)) assert.equal(canonicalHost(text), host, text);
});

test("what is no plain name or address is no host", () => {
  const texts = [
    ["", ".", "..", "pypi.org..", ".pypi.org", "a..b", "-a.org", "a-.org", "*.pypi.org", "a b", "a\tb", "a\0b", "a\nb"],
    [
      "bücher.example",
      "pypi。org",
      "ｐypi.org",
      "раypal.com",
      "%31%32%37.0.0.1",
      "pypi.org%00",
      "pypi.org/",
      "pypi.org#",
    ],
    [
      "user@pypi.org",
      "pypi.org@evil.example",
      "pypi.org\\.evil",
      "pypi.org?x",
      "pypi.org;x",
      "[pypi.org]",
      "[127.0.0.1]",
    ],
    // Other ways to write 127.0.0.1, and an address with a dot behind it.
    ["2130706433", "017700000001", "0x7f000001", "0x7F.1", "0x7f.0.0.0x1", "0177.0.0.1", "127.1", "127.0.0.01", "0x"],
    [
      "127.0.0.1.",
      "1.2.3.4.5",
      "256.0.0.1",
      "evil.0x7f",
      "fe80::1%eth0",
      "[fe80::1%25eth0]",
      "[::1",
      "::1]",
      "[]",
      "[::127.0.0.1]",
      "::8.8.8.8",
    ],
    ["a".repeat(64), `${"a.".repeat(127)}ab`],
  ].flat();
  assert.deepEqual(
    texts.filter((text) => canonicalHost(text) !== undefined),
    [],
  );
});

test("a target has a host and a port", () => {
  assert.deepEqual(parseTarget("PyPI.org:443"), { host: "pypi.org", port: 443 });
  assert.deepEqual(parseTarget("pypi.org", 80), { host: "pypi.org", port: 80 });
  assert.deepEqual(parseTarget("[::1]:8080"), { host: "::1", port: 8080 });
  assert.equal(targetText({ host: "::1", port: 8080 }), "[::1]:8080");
  assert.equal(targetText({ host: "pypi.org", port: 443 }), "pypi.org:443");
  const wrong = [
    [
      "pypi.org",
      "pypi.org:",
      "pypi.org:0",
      "pypi.org:0443",
      "pypi.org:65536",
      "pypi.org:443x",
      "pypi.org: 443",
      ":443",
    ],
    [
      "user:password@pypi.org:443",
      "user@pypi.org:443",
      "pypi.org:80:443",
      "::1:443",
      "pypi.org:443/",
      "http://pypi.org:443",
    ],
    ["0x7f.1:80", "2130706433:80", "bücher.example:443", "pypi.org:４４３"],
  ].flat();
  assert.deepEqual(
    wrong.filter((text) => parseTarget(text) !== undefined),
    [],
  );
});
