import assert from "node:assert/strict";
import { test } from "node:test";
import { seccompFilter } from "./seccomp-filter.ts";
import {
  ATTRIBUTES,
  ON_ITSELF,
  OWNERS,
  SHARED_ABSENT,
  SHARED_FORBIDDEN,
  SOCKETPAIR,
  TIMES,
} from "./shared-syscalls.ts";
import type { SeccompArchitecture } from "./syscall-numbers.ts";
import { ABSENT, BY_ARGUMENT, CHANGES_MODE, FORBIDDEN, MAKES_FILE } from "./syscall-numbers.ts";

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const ALLOW = "allow";
const ASK = "ask";
const ANSWERS = new Map([
  [0x7fff0000, ALLOW],
  [0x7fc00000, ASK],
  [0x80000000, "kill"],
]);

/** Runs a filter as the kernel would, on one system call. */
function decide(filter: Buffer, architecture: number, [number = -1, ...args]: readonly number[]): string {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(architecture, 4);
  args.forEach((value, index) => data.writeUInt32LE(value >>> 0, 16 + 8 * index));
  let loaded = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    const operand = filter.readUInt32LE(at * 8 + 4);
    const skip = (met: boolean): number => filter.readUInt8(at * 8 + (met ? 2 : 3));
    const code = filter.readUInt16LE(at * 8);
    if (code === 0x20) loaded = data.readUInt32LE(operand);
    else if (code === 0x15) at += skip(loaded === operand);
    else if (code === 0x35) at += skip(loaded >= operand);
    else if (code === 0x45) at += skip((loaded & operand) !== 0);
    else if (code === 0x06) return ANSWERS.get(operand) ?? `errno ${operand & 0xffff}`;
    else assert.fail(`instruction ${at} has the unknown code ${code}`);
  }
  return assert.fail("the filter ran off its end");
}

const architectures: readonly SeccompArchitecture[] = ["x64", "arm64"];

for (const architecture of architectures) {
  const filter = seccompFilter(architecture);
  const call = (number: number, ...args: number[]): string => decide(filter, AUDIT[architecture], [number, ...args]);

  test(`${architecture}: every forbidden call fails with EPERM, every absent one with ENOSYS`, () => {
    for (const [name, numbers] of Object.entries(FORBIDDEN)) {
      const number = numbers[architecture];
      if (number !== undefined) assert.equal(call(number), "errno 1", name);
    }
    for (const [name, numbers] of Object.entries(ABSENT))
      assert.equal(call(numbers[architecture] ?? -1), "errno 38", name);
  });

  test(`${architecture}: ordinary calls pass`, () => {
    const ordinary = architecture === "x64" ? [0, 1, 2, 9, 59, 202, 257] : [56, 63, 64, 98, 221, 222, 436];
    for (const number of ordinary) assert.equal(call(number), ALLOW, String(number));
  });

  test(`${architecture}: clone may start a thread or process but no name space`, () => {
    const clone = BY_ARGUMENT.clone[architecture];
    assert.equal(call(clone, 17 /* SIGCHLD */), ALLOW);
    assert.equal(call(clone, 0x3d0f00 /* what pthread_create passes */), ALLOW);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      assert.equal(call(clone, 17 | flag), "errno 1");
    }
  });

  test(`${architecture}: sockets are local, internet or a question about the network, and no other`, () => {
    const socket = BY_ARGUMENT.socket[architecture];
    for (const family of [1, 2, 10]) assert.equal(call(socket, family, 1, 6), ALLOW);
    assert.equal(call(socket, 16, 3, 0), ALLOW);
    assert.equal(call(socket, 16, 3, 12 /* NETLINK_NETFILTER */), "errno 97");
    for (const family of [0, 17 /* AF_PACKET */, 38 /* AF_ALG */, 40 /* AF_VSOCK */])
      assert.equal(call(socket, family), "errno 97");
  });

  test(`${architecture}: no file gets a mode by which it would run as its owner`, () => {
    const [CREATES, TEMPORARY, EXCLUSIVE] = [0o100, 0o20000000, 0o200];
    for (const [name, { numbers, mode, flags }] of Object.entries({ ...CHANGES_MODE, ...MAKES_FILE })) {
      const number = numbers[architecture];
      if (number === undefined) continue;
      const asked = (bits: number, how: number): string => {
        const args = [0, 0, 0, 0, 0];
        return call(number, ...(flags === undefined ? args : args.with(flags, how)).with(mode, bits));
      };
      for (const how of [CREATES, CREATES | EXCLUSIVE, TEMPORARY]) {
        for (const bits of [0o4755, 0o2755, 0o6000, 0o104755]) assert.equal(asked(bits, how), "errno 1", name);
        for (const bits of [0o755, 0o1777, 0o100644, 0]) assert.equal(asked(bits, how), ALLOW, name);
      }
      // What is only opened needs no mode, and its argument may hold anything.
      if (flags !== undefined) assert.equal(asked(0o6755, EXCLUSIVE | 1), ALLOW, name);
    }
  });

  test(`${architecture}: nothing can be typed into a terminal`, () => {
    const ioctl = BY_ARGUMENT.ioctl[architecture];
    assert.equal(call(ioctl, 0, 0x5401 /* TCGETS */), ALLOW);
    assert.equal(call(ioctl, 0, 0x5412), "errno 1");
    assert.equal(call(ioctl, 0, 0x541c), "errno 1");
  });

  test(`${architecture}: a call by another architecture's numbers ends the process, x32 is refused`, () => {
    assert.equal(decide(filter, 0x40000003 /* i386 */, [0]), "kill");
    assert.equal(decide(filter, AUDIT[architecture === "x64" ? "arm64" : "x64"], [0]), "kill");
    assert.equal(call(0x40000000 | 1), "errno 1");
  });

  const shared = seccompFilter(architecture, "shared-namespaces");
  const sharedCall = (number: number | undefined, ...args: number[]): string =>
    decide(shared, AUDIT[architecture], [number ?? -1, ...args]);

  test(`${architecture}, shared: what Landlock leaves open is closed, or asked for`, () => {
    const expected = [
      [FORBIDDEN, "errno 1"],
      [SHARED_FORBIDDEN, "errno 1"],
      [ABSENT, "errno 38"],
      [SHARED_ABSENT, "errno 38"],
      [ATTRIBUTES, "errno 95"],
      [OWNERS, "errno 1"],
      [{ utimensat: TIMES }, ASK],
    ] as const;
    for (const [calls, answer] of expected) {
      for (const [name, numbers] of Object.entries(calls)) {
        const number = numbers[architecture];
        if (number === undefined) continue;
        assert.equal(sharedCall(number), answer, name);
        if (![FORBIDDEN, ABSENT].includes(calls)) assert.equal(call(number), ALLOW, name);
      }
    }
    for (const [name, { numbers, mode }] of Object.entries(CHANGES_MODE)) {
      const bits = (value: number): number[] => [0, 0, 0].with(mode, value);
      if (numbers[architecture] === undefined) continue;
      assert.equal(sharedCall(numbers[architecture], ...bits(0o755)), ASK, name);
      assert.equal(sharedCall(numbers[architecture], ...bits(0o4755)), "errno 1", name);
    }
  });

  test(`${architecture}, shared: there is no socket, and a pair is a stream between two`, () => {
    for (const family of [1, 2, 10, 16, 17])
      assert.equal(sharedCall(BY_ARGUMENT.socket[architecture], family, 1), "errno 97");
    const pair = SOCKETPAIR[architecture];
    const closesOnExec = 0o2000000;
    for (const kind of [1 /* SOCK_STREAM */, 5 /* SOCK_SEQPACKET */]) {
      assert.equal(sharedCall(pair, 1, kind), ALLOW);
      assert.equal(sharedCall(pair, 1, kind | closesOnExec), ALLOW);
      assert.equal(sharedCall(pair, 2, kind), "errno 97");
    }
    for (const kind of [2 /* SOCK_DGRAM */, 3 /* SOCK_RAW */]) {
      assert.equal(sharedCall(pair, 1, kind), "errno 97");
      assert.equal(sharedCall(pair, 1, kind | closesOnExec), "errno 97");
    }
  });

  test(`${architecture}, shared: a process may limit and rank itself, and nobody else`, () => {
    for (const { numbers, itself } of ON_ITSELF) {
      assert.equal(sharedCall(numbers[architecture], ...itself), ALLOW);
      itself.forEach((value, index) =>
        assert.equal(sharedCall(numbers[architecture], ...itself.with(index, value + 1)), "errno 1"),
      );
    }
  });
}
