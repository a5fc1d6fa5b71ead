import {
  ATTRIBUTES,
  ON_ITSELF,
  OWNERS,
  SHARED_ABSENT,
  SHARED_FORBIDDEN,
  SOCKETPAIR,
  TIMES,
} from "./shared-syscalls.ts";
import type { ModeCall, SeccompArchitecture, SyscallNumbers } from "./syscall-numbers.ts";
import { ABSENT, BY_ARGUMENT, CHANGES_MODE, FORBIDDEN, MAKES_FILE } from "./syscall-numbers.ts";

/** AUDIT_ARCH_* of linux/audit.h. */
const AUDIT_ARCHITECTURE = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;

// Offsets into struct seccomp_data (linux/seccomp.h). Arguments are 64 bits each; their low words are read.
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const argumentAt = (index: number): number => 16 + 8 * index;

// Classic BPF: opcode, linux/bpf_common.h.
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
/** Whoever put the filter there makes the call, or says how it failed; without anybody it is ENOSYS. */
const ASK = 0x7fc00000;
const KILL_PROCESS = 0x80000000;
const FAIL = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;
const EOPNOTSUPP = 95;
const EAFNOSUPPORT = 97;

/** Numbers from here on are the x32 calls of an x64 kernel: the same calls, past a filter that knows only the others. */
const X32_BIT = 0x40000000;
/** Every CLONE_NEW* flag that clone takes (linux/sched.h). */
const NEW_NAMESPACES = 0x7e020000;
/** Set-user-ID and set-group-ID. */
const AS_OWNER = 0o6000;
/** O_CREAT and O_TMPFILE: only then the mode means anything. */
const MAKES = 0o20000100;
/** They type into, or paste into, the terminal. */
const TERMINAL_INPUT = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];
const LOCAL_AND_INTERNET = [1 /* AF_UNIX */, 2 /* AF_INET */, 10 /* AF_INET6 */];
const AF_UNIX = 1;
const AF_NETLINK = 16;
/** Set in SOCK_DGRAM and SOCK_RAW, not in SOCK_STREAM and SOCK_SEQPACKET. */
const DATAGRAM_BIT = 2;

/** What stands around the filter: name spaces of the sandbox's own, or those that the whole machine shares. */
export type SeccompSetting = "own-namespaces" | "shared-namespaces";

/**
 * The seccomp program of the sandbox for one architecture, as the kernel takes it (struct sock_filter[], little
 * endian). Pure.
 *
 * A list of refusals, not of permissions: what building and testing needs is too wide to list. No file can be given a
 * mode by which it would run as its owner, for outside it would. With name spaces of its own, sockets are kept to the
 * local and internet families, and to asking a network that has only a loopback what it has; without, there are none,
 * and changes of mode and times are asked for.
 */
export function seccompFilter(architecture: SeccompArchitecture, setting: SeccompSetting = "own-namespaces"): Buffer {
  const refuse = (calls: Readonly<Record<string, SyscallNumbers>>, errno: number): Buffer[] =>
    Object.values(calls).flatMap((call) => onNumber(call[architecture], [fail(errno)]));
  const modes = (calls: Readonly<Record<string, ModeCall>>, otherwise: number): Buffer[] =>
    Object.values(calls).flatMap((call) => onNumber(call.numbers[architecture], onMode(call, otherwise)));
  const shared = setting === "shared-namespaces";
  const clone = onNumber(BY_ARGUMENT.clone[architecture], [
    instruction(LOAD, argumentAt(0)),
    instruction(JUMP_ANY_BIT, NEW_NAMESPACES, { otherwise: 1 }),
    fail(EPERM),
    instruction(RETURN, ALLOW),
  ]);
  const ioctl = onNumber(BY_ARGUMENT.ioctl[architecture], [
    instruction(LOAD, argumentAt(1)),
    ...TERMINAL_INPUT.flatMap((request) => onNumber(request, [fail(EPERM)])),
    instruction(RETURN, ALLOW),
  ]);
  return Buffer.concat([
    instruction(LOAD, ARCHITECTURE_AT),
    instruction(JUMP_EQUAL, AUDIT_ARCHITECTURE[architecture], { met: 1 }),
    instruction(RETURN, KILL_PROCESS),
    instruction(LOAD, NUMBER_AT),
    instruction(JUMP_AT_LEAST, X32_BIT, { otherwise: 1 }),
    fail(EPERM),
    // The most frequent calls first.
    ...modes(MAKES_FILE, ALLOW),
    ...modes(CHANGES_MODE, shared ? ASK : ALLOW),
    ...refuse(FORBIDDEN, EPERM),
    ...refuse(ABSENT, ENOSYS),
    ...clone,
    ...ioctl,
    ...(shared
      ? [
          ...refuse({ socket: BY_ARGUMENT.socket }, EAFNOSUPPORT),
          ...refuse(SHARED_FORBIDDEN, EPERM),
          ...refuse(SHARED_ABSENT, ENOSYS),
          ...refuse(ATTRIBUTES, EOPNOTSUPP),
          ...onNumber(SOCKETPAIR[architecture], STREAM_PAIRS),
          ...refuse(OWNERS, EPERM),
          ...onNumber(TIMES[architecture], [instruction(RETURN, ASK)]),
          ...ON_ITSELF.flatMap(({ numbers, itself }) => onNumber(numbers[architecture], onItself(itself))),
        ]
      : onNumber(BY_ARGUMENT.socket[architecture], SOCKETS)),
    instruction(RETURN, ALLOW),
  ]);
}

function onNumber(number: number | undefined, body: readonly Buffer[]): Buffer[] {
  return number === undefined ? [] : [instruction(JUMP_EQUAL, number, { otherwise: body.length }), ...body];
}

/** Refuses a mode by which the file runs as its owner. */
function onMode({ mode, flags }: ModeCall, otherwise: number): Buffer[] {
  const check = [
    instruction(LOAD, argumentAt(mode)),
    instruction(JUMP_ANY_BIT, AS_OWNER, { otherwise: 1 }),
    fail(EPERM),
  ];
  const makes =
    flags === undefined
      ? []
      : [instruction(LOAD, argumentAt(flags)), instruction(JUMP_ANY_BIT, MAKES, { otherwise: check.length })];
  return [...makes, ...check, instruction(RETURN, otherwise)];
}

/** Allows the call whose first arguments are these. */
function onItself(itself: readonly number[]): Buffer[] {
  const checks = itself.flatMap((value, index) => [
    instruction(LOAD, argumentAt(index)),
    instruction(JUMP_EQUAL, value, { met: 1 }),
    fail(EPERM),
  ]);
  return [...checks, instruction(RETURN, ALLOW)];
}

function fail(errno: number): Buffer {
  return instruction(RETURN, FAIL | errno);
}

/** One struct sock_filter. `met` and `otherwise` skip that many instructions. */
function instruction(code: number, operand: number, skip: { met?: number; otherwise?: number } = {}): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(skip.met ?? 0, 2);
  bytes.writeUInt8(skip.otherwise ?? 0, 3);
  bytes.writeUInt32LE(operand >>> 0, 4);
  return bytes;
}

const SOCKETS: readonly Buffer[] = [
  instruction(LOAD, argumentAt(0)),
  ...LOCAL_AND_INTERNET.flatMap((family) => onNumber(family, [instruction(RETURN, ALLOW)])),
  instruction(JUMP_EQUAL, AF_NETLINK, { otherwise: 3 }),
  instruction(LOAD, argumentAt(2)),
  instruction(JUMP_EQUAL, 0 /* NETLINK_ROUTE */, { otherwise: 1 }),
  instruction(RETURN, ALLOW),
  fail(EAFNOSUPPORT),
];

const STREAM_PAIRS: readonly Buffer[] = [
  instruction(LOAD, argumentAt(0)),
  instruction(JUMP_EQUAL, AF_UNIX, { otherwise: 3 }),
  instruction(LOAD, argumentAt(1)),
  instruction(JUMP_ANY_BIT, DATAGRAM_BIT, { met: 1 }),
  instruction(RETURN, ALLOW),
  fail(EAFNOSUPPORT),
];
