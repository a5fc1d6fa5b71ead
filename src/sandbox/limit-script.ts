/** Limits that the kernel keeps for each process, all within this process's own. */
export type ProcessLimits = {
  /** For the whole user, which in a user namespace of its own is the whole sandbox. */
  readonly processes: number;
  readonly openFiles: number;
  readonly fileMib: number;
  /** At the first the process is told by SIGXCPU, at the second it is killed. */
  readonly cpuSeconds: number;
  readonly cpuHardSeconds: number;
};

/**
 * Shell commands that set the limits, or end the shell where one can't be set. Pure.
 *
 * None for address space: Node reserves many times what it uses. The number of processes is `-u` to bash and `-p` to
 * dash and busybox; file size counts blocks of 512 bytes.
 */
export function limitScript(limits: ProcessLimits): string {
  const { processes, openFiles, fileMib, cpuSeconds, cpuHardSeconds } = limits;
  return [
    `{ ulimit -u ${processes} 2>/dev/null || ulimit -p ${processes}; }`,
    `ulimit -n ${openFiles}`,
    `ulimit -f ${fileMib * 2048}`,
    `ulimit -t ${cpuHardSeconds}`,
    `ulimit -S -t ${cpuSeconds}`,
    "ulimit -c 0 || exit 1",
  ].join(" && ");
}
