import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicAddress } from "./public-address.ts";

test("addresses of the public internet are public", () => {
  const addresses = [
    "1.1.1.1",
    "8.8.8.8",
    "104.16.0.35",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "100.63.255.255",
    "223.255.255.255",
    "2606:4700::6810:23",
    "2A00:1450:4001:82b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
  ];
  assert.deepEqual(
    addresses.filter((address) => !isPublicAddress(address)),
    [],
  );
});

test("no other is: private, local, shared, special, or another way to write one of these", () => {
  const ipv4 = [
    ["0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1"],
    ["169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1"],
    ["198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"],
  ].flat();
  const ipv6 = [
    ["::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "3fff::1"],
    ["100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "5f00::1", "4000::1", "fe80::1%eth0"],
    // IPv4 in IPv6: mapped, translated, compatible, NAT64 of both kinds, 6to4 of a public one too, Teredo.
    ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "::127.0.0.1", "::8.8.8.8"],
    ["64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:808:808::1"],
    ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2606:4700::1%1"],
  ].flat();
  const notAddresses = [
    [
      "",
      "localhost",
      "2130706433",
      "0x7f.1",
      "0x7f000001",
      "0177.0.0.1",
      "127.1",
      "127.0.0.01",
      "8.8.8.8 ",
      " 8.8.8.8",
    ],
    ["8.8.8", "8.8.8.8.", "8.8.8.8:53", "[2606:4700::1]", "2606:4700::1/64", "8.8.8.8\0", "８.8.8.8"],
  ].flat();
  assert.deepEqual([...ipv4, ...ipv6, ...notAddresses].filter(isPublicAddress), []);
});
