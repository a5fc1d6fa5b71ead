/** The architectures whose system call numbers are known here. */
export type SeccompArchitecture = "x64" | "arm64";

/** System call numbers, one column an architecture; undefined where it has no such call. */
export type SyscallNumbers = Readonly<Record<SeccompArchitecture, number | undefined>>;

/**
 * Refused with EPERM: calls that change the machine or its name spaces, load code into the kernel, read another
 * process, or have been ways into the kernel for unprivileged programs, and that building and testing needs none of.
 *
 * Numbers from the kernel's `asm/unistd_64.h` (x64) and `asm-generic/unistd.h` (arm64).
 */
export const FORBIDDEN: Readonly<Record<string, SyscallNumbers>> = {
  acct: { x64: 163, arm64: 89 },
  add_key: { x64: 248, arm64: 217 },
  adjtimex: { x64: 159, arm64: 171 },
  bpf: { x64: 321, arm64: 280 },
  chroot: { x64: 161, arm64: 51 },
  clock_adjtime: { x64: 305, arm64: 266 },
  clock_settime: { x64: 227, arm64: 112 },
  create_module: { x64: 174, arm64: undefined },
  delete_module: { x64: 176, arm64: 106 },
  fanotify_init: { x64: 300, arm64: 262 },
  finit_module: { x64: 313, arm64: 273 },
  fsconfig: { x64: 431, arm64: 431 },
  fsmount: { x64: 432, arm64: 432 },
  fsopen: { x64: 430, arm64: 430 },
  fspick: { x64: 433, arm64: 433 },
  init_module: { x64: 175, arm64: 105 },
  ioperm: { x64: 173, arm64: undefined },
  iopl: { x64: 172, arm64: undefined },
  kcmp: { x64: 312, arm64: 272 },
  kexec_file_load: { x64: 320, arm64: 294 },
  kexec_load: { x64: 246, arm64: 104 },
  keyctl: { x64: 250, arm64: 219 },
  lookup_dcookie: { x64: 212, arm64: 18 },
  migrate_pages: { x64: 256, arm64: 238 },
  modify_ldt: { x64: 154, arm64: undefined },
  mount: { x64: 165, arm64: 40 },
  mount_setattr: { x64: 442, arm64: 442 },
  move_mount: { x64: 429, arm64: 429 },
  move_pages: { x64: 279, arm64: 239 },
  name_to_handle_at: { x64: 303, arm64: 264 },
  nfsservctl: { x64: 180, arm64: 42 },
  open_by_handle_at: { x64: 304, arm64: 265 },
  open_tree: { x64: 428, arm64: 428 },
  open_tree_attr: { x64: 467, arm64: 467 },
  perf_event_open: { x64: 298, arm64: 241 },
  personality: { x64: 135, arm64: 92 },
  pidfd_getfd: { x64: 438, arm64: 438 },
  pivot_root: { x64: 155, arm64: 41 },
  process_madvise: { x64: 440, arm64: 440 },
  process_vm_readv: { x64: 310, arm64: 270 },
  process_vm_writev: { x64: 311, arm64: 271 },
  ptrace: { x64: 101, arm64: 117 },
  quotactl: { x64: 179, arm64: 60 },
  quotactl_fd: { x64: 443, arm64: 443 },
  reboot: { x64: 169, arm64: 142 },
  request_key: { x64: 249, arm64: 218 },
  setdomainname: { x64: 171, arm64: 162 },
  sethostname: { x64: 170, arm64: 161 },
  setns: { x64: 308, arm64: 268 },
  settimeofday: { x64: 164, arm64: 170 },
  swapoff: { x64: 168, arm64: 225 },
  swapon: { x64: 167, arm64: 224 },
  syslog: { x64: 103, arm64: 116 },
  umount2: { x64: 166, arm64: 39 },
  unshare: { x64: 272, arm64: 97 },
  userfaultfd: { x64: 323, arm64: 282 },
  vhangup: { x64: 153, arm64: 58 },
};

/**
 * Answered ENOSYS, "this kernel has none", for which programs have another way.
 *
 * clone3, openat2: their flags and modes lie in memory where a filter cannot read them, and there are clone and openat.
 * memfd and System V shared memory: pages that belong to no process, so the watchdog would not see them.
 */
export const ABSENT: Readonly<Record<string, SyscallNumbers>> = {
  clone3: { x64: 435, arm64: 435 },
  io_uring_enter: { x64: 426, arm64: 426 },
  io_uring_register: { x64: 427, arm64: 427 },
  io_uring_setup: { x64: 425, arm64: 425 },
  memfd_create: { x64: 319, arm64: 279 },
  memfd_secret: { x64: 447, arm64: 447 },
  openat2: { x64: 437, arm64: 437 },
  shmget: { x64: 29, arm64: 194 },
};

/** Allowed or refused by their arguments. */
export const BY_ARGUMENT = {
  clone: { x64: 56, arm64: 220 },
  ioctl: { x64: 16, arm64: 29 },
  socket: { x64: 41, arm64: 198 },
} as const satisfies Readonly<Record<string, SyscallNumbers>>;

/** A call that gives a file its mode: by which argument, and by which it says whether it makes one at all. */
export type ModeCall = { readonly numbers: SyscallNumbers; readonly mode: number; readonly flags?: number };

/** Change the mode of a file that is there. */
export const CHANGES_MODE: Readonly<Record<string, ModeCall>> = {
  chmod: { numbers: { x64: 90, arm64: undefined }, mode: 1 },
  fchmod: { numbers: { x64: 91, arm64: 52 }, mode: 1 },
  fchmodat: { numbers: { x64: 268, arm64: 53 }, mode: 2 },
  fchmodat2: { numbers: { x64: 452, arm64: 452 }, mode: 2 },
};

/** Make a file with a mode. */
export const MAKES_FILE: Readonly<Record<string, ModeCall>> = {
  creat: { numbers: { x64: 85, arm64: undefined }, mode: 1 },
  mknod: { numbers: { x64: 133, arm64: undefined }, mode: 1 },
  mknodat: { numbers: { x64: 259, arm64: 33 }, mode: 2 },
  open: { numbers: { x64: 2, arm64: undefined }, mode: 2, flags: 1 },
  openat: { numbers: { x64: 257, arm64: 56 }, mode: 3, flags: 2 },
};
