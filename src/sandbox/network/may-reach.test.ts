import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkRule } from "../sandbox.ts";
import { mayReach } from "./may-reach.ts";

const ALLOW: readonly NetworkRule[] = [
  { host: "registry.npmjs.org", port: 443 },
  { host: "*.PythonHosted.org.", port: 443 },
  { host: "bücher.example", port: 443 },
  { host: "127.0.0.1", port: 8080, private: true },
  { host: "[2606:4700::1]", port: 443 },
  { host: "*.0.0.1", port: 443 },
];

const reaches = (host: string, port = 443) => mayReach(ALLOW, host, port)?.host;

test("a host on the list is reached at its port, however it is written", () => {
  assert.equal(reaches("registry.npmjs.org"), "registry.npmjs.org");
  assert.equal(reaches("REGISTRY.npmjs.ORG."), "registry.npmjs.org");
  assert.equal(reaches("xn--bcher-kva.example"), "bücher.example");
  assert.equal(reaches("127.0.0.1", 8080), "127.0.0.1");
  assert.equal(reaches("[::ffff:127.0.0.1]", 8080), "127.0.0.1");
  assert.equal(reaches("[2606:4700:0::1]"), "[2606:4700::1]");
});

test("a star stands for names below, not for the name itself, and for no address", () => {
  assert.equal(reaches("files.pythonhosted.org"), "*.PythonHosted.org.");
  assert.equal(reaches("a.b.pythonhosted.org"), "*.PythonHosted.org.");
  assert.equal(reaches("pythonhosted.org"), undefined);
  assert.equal(reaches("notpythonhosted.org"), undefined);
  assert.equal(reaches("127.0.0.1"), undefined);
});

test("nothing else is reached", () => {
  const hosts = [
    ["npmjs.org", "evil.registry.npmjs.org", "registry.npmjs.org.evil.example", "registry.npmjs.org@evil.example", ""],
    [
      "registry.npmjs.org%00.evil",
      "registry.npmjs.org\0",
      "registry。npmjs。org",
      "bücher.example",
      "2130706433",
      "0x7f.1",
    ],
  ].flat();
  assert.deepEqual(
    hosts.filter((host) => [80, 443, 8080].some((port) => reaches(host, port) !== undefined)),
    [],
  );
  assert.equal(reaches("registry.npmjs.org", 80), undefined);
  assert.equal(mayReach([], "registry.npmjs.org", 443), undefined);
});

test("of two rules for one host the one for private addresses counts", () => {
  const rules = [
    { host: "npm.corp.example", port: 443 },
    { host: "*.corp.example", port: 443, private: true },
  ];
  assert.deepEqual(mayReach(rules, "npm.corp.example", 443), rules[1]);
});
