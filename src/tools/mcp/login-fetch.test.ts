import assert from "node:assert/strict";
import { test } from "node:test";
import { refusedAddress } from "./login-fetch.ts";

test("a log-in keeps to https, and a server elsewhere can't name this machine or its network", () => {
  const isRefused = (server: string, target: string) => refusedAddress(new URL(server), new URL(target)) !== undefined;
  const far = "https://mcp.example.com/mcp";
  const near = "http://127.0.0.1:7001/mcp";
  assert.deepEqual(
    [
      [far, "https://login.example.com/authorize"],
      [near, "https://login.example.com/authorize"],
      [near, "http://localhost:7002/authorize"],
      [near, "http://[::1]:7002/authorize"],
      ["https://10.0.0.5/mcp", "https://10.0.0.6/authorize"],
    ].filter(([server = "", target = ""]) => isRefused(server, target)),
    [],
  );
  const refused = [
    [far, "http://login.example.com/authorize"],
    [far, "http://127.0.0.1:7002/token"],
    [far, "https://127.0.0.1:7002/token"],
    [far, "https://169.254.169.254/latest"],
    [far, "https://[::ffff:10.0.0.1]/token"],
    [far, "https://2130706433/token"],
    [near, "http://login.example.com/authorize"],
    [near, "http://10.0.0.6/authorize"],
    ["http://10.0.0.5/mcp", "http://10.0.0.5/token"],
    [near, "file:///etc/passwd"],
    [near, "javascript:alert(1)"],
  ];
  assert.deepEqual(
    refused.filter(([server = "", target = ""]) => !isRefused(server, target)),
    [],
  );
});
