import assert from "node:assert/strict";
import { test } from "node:test";
import { checkedRules, parseNetworkRule } from "./network-rule.ts";

test("reads a host with or without a port", () => {
  assert.deepEqual(parseNetworkRule("PyPI.org"), { host: "pypi.org", port: 443 });
  assert.deepEqual(parseNetworkRule("pypi.org:8443"), { host: "pypi.org", port: 8443 });
  assert.deepEqual(parseNetworkRule("*.example.org:80"), { host: "*.example.org", port: 80 });
  assert.deepEqual(parseNetworkRule("bücher.example"), { host: "xn--bcher-kva.example", port: 443 });
  assert.deepEqual(parseNetworkRule("1.1.1.1"), { host: "1.1.1.1", port: 443 });
});

test("who names this machine or a private address means it", () => {
  assert.deepEqual(parseNetworkRule("localhost:8080"), { host: "localhost", port: 8080, private: true });
  assert.deepEqual(parseNetworkRule("10.0.0.7"), { host: "10.0.0.7", port: 443, private: true });
  assert.deepEqual(parseNetworkRule("[::1]:80"), { host: "::1", port: 80, private: true });
  assert.deepEqual(parseNetworkRule("*.localhost:80"), { host: "*.localhost", port: 80 });
});

test("refuses what would match nothing, or something else than it seems", () => {
  const wrong = [
    [
      "",
      "*",
      "*.",
      "*:443",
      "a.*.org",
      "*.1.2.3.4",
      "https://pypi.org",
      "pypi.org/simple",
      "user@pypi.org",
      "pypi.org:",
    ],
    ["pypi.org:0", "pypi.org:99999", "pypi.org:https", "0x7f.1", "2130706433", "127.1", "a b", "::1", "pypi.org\n"],
  ].flat();
  for (const text of wrong)
    assert.throws(() => parseNetworkRule(text), { code: "sandbox/network-rule", exitCode: 2 }, text);
  assert.throws(() => checkedRules([{ host: "pypi.org", port: 0.5 }]), { code: "sandbox/network-rule" });
  assert.throws(() => checkedRules([{ host: "*", port: 443 }]), { code: "sandbox/network-rule" });
});
