import type { SyscallNumbers } from "./syscall-numbers.ts";

/*
 * Calls that a sandbox without name spaces of its own must refuse as well: Landlock decides what is opened, made,
 * moved and deleted, whom a signal reaches and who is traced, and nothing else. Numbers as in syscall-numbers.ts.
 */

/**
 * Answered ENOSYS: message queues, semaphores and memory that the whole machine shares, news of files, which Landlock
 * gives of any folder, and the older ways to set a file's times, for which libc has `utimensat`.
 */
export const SHARED_ABSENT: Readonly<Record<string, SyscallNumbers>> = {
  futimesat: { x64: 261, arm64: undefined },
  inotify_init: { x64: 253, arm64: undefined },
  inotify_init1: { x64: 294, arm64: 26 },
  mq_open: { x64: 240, arm64: 180 },
  mq_unlink: { x64: 241, arm64: 181 },
  msgctl: { x64: 71, arm64: 187 },
  msgget: { x64: 68, arm64: 186 },
  msgrcv: { x64: 70, arm64: 188 },
  msgsnd: { x64: 69, arm64: 189 },
  semctl: { x64: 66, arm64: 191 },
  semget: { x64: 64, arm64: 190 },
  semop: { x64: 65, arm64: 193 },
  semtimedop: { x64: 220, arm64: 192 },
  shmat: { x64: 30, arm64: 196 },
  shmctl: { x64: 31, arm64: 195 },
  utime: { x64: 132, arm64: undefined },
  utimes: { x64: 235, arm64: undefined },
};

/** Refused with EPERM. There is no socket to call them with; a second wall should one be found. */
export const SHARED_FORBIDDEN: Readonly<Record<string, SyscallNumbers>> = {
  bind: { x64: 49, arm64: 200 },
  connect: { x64: 42, arm64: 203 },
  listen: { x64: 50, arm64: 201 },
};

/** Refused with EOPNOTSUPP, as by a file system that has no such attributes: they work by path, on any file of the user. */
export const ATTRIBUTES: Readonly<Record<string, SyscallNumbers>> = {
  file_setattr: { x64: 469, arm64: 469 },
  fremovexattr: { x64: 199, arm64: 16 },
  fsetxattr: { x64: 190, arm64: 7 },
  lremovexattr: { x64: 198, arm64: 15 },
  lsetxattr: { x64: 189, arm64: 6 },
  removexattr: { x64: 197, arm64: 14 },
  removexattrat: { x64: 466, arm64: 466 },
  setxattr: { x64: 188, arm64: 5 },
  setxattrat: { x64: 463, arm64: 463 },
};

/** Refused with EPERM, as any user without privilege is used to. */
export const OWNERS: Readonly<Record<string, SyscallNumbers>> = {
  chown: { x64: 92, arm64: undefined },
  fchown: { x64: 93, arm64: 55 },
  fchownat: { x64: 260, arm64: 54 },
  lchown: { x64: 94, arm64: undefined },
};

/**
 * Handed to the launcher, as are the calls that change a mode: Landlock would let a command change those of every
 * file that its user has, in other workspaces too, so the launcher changes what lies in this one.
 */
export const TIMES: SyscallNumbers = { x64: 280 /* utimensat */, arm64: 88 };

/** Allowed for the caller itself, which these arguments say; a process of the same user elsewhere is out of reach. */
export const ON_ITSELF: readonly { readonly numbers: SyscallNumbers; readonly itself: readonly number[] }[] = [
  /* ioprio_set */ { numbers: { x64: 251, arm64: 30 }, itself: [1, 0] },
  /* prlimit64 */ { numbers: { x64: 302, arm64: 261 }, itself: [0] },
  /* sched_setaffinity */ { numbers: { x64: 203, arm64: 122 }, itself: [0] },
  /* sched_setattr */ { numbers: { x64: 314, arm64: 274 }, itself: [0] },
  /* sched_setparam */ { numbers: { x64: 142, arm64: 118 }, itself: [0] },
  /* sched_setscheduler */ { numbers: { x64: 144, arm64: 119 }, itself: [0] },
  /* setpriority */ { numbers: { x64: 141, arm64: 140 }, itself: [0, 0] },
];

/** Allowed for streams between two processes; with datagrams any local socket of the machine could be written to. */
export const SOCKETPAIR: SyscallNumbers = { x64: 53, arm64: 199 };
