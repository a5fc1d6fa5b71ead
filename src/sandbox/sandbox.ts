/** How a command is confined, the strongest first; `docker` only if asked for, `none` only by `--unsafe`. */
export const CONFINED_LEVELS = ["bubblewrap", "landlock", "seatbelt", "docker"] as const;
export const SANDBOX_LEVELS = [...CONFINED_LEVELS, "none"] as const;
export type ConfinedLevel = (typeof CONFINED_LEVELS)[number];
export type SandboxLevel = (typeof SANDBOX_LEVELS)[number];

export type SandboxLimits = {
  readonly wallMs: number;
  /** Of one process. */
  readonly cpuSeconds: number;
  /** Of the whole process tree, with its files in memory. Looked at every 50 ms. */
  readonly memoryMib: number;
  /** Threads count. Not kept at level `none`. */
  readonly processes: number;
  /** Of one file. */
  readonly fileMib: number;
  /** Growth of the workspace. */
  readonly diskMib: number;
  /** Of standard output and standard error together. */
  readonly outputBytes: number;
};

/** One host that a command may reach, through the proxy of ATOS alone. */
export type NetworkRule = {
  /** A host name, `*.` before one for all names below it, or an address. */
  readonly host: string;
  readonly port: number;
  /** Whether its address may be a private one, or this machine's own. Only for hosts that a person named. */
  readonly private?: boolean;
};

export type SandboxRequest = {
  readonly command: readonly [string, ...string[]];
  /** Host folder that becomes `/workspace`, the working directory and the only writable place beside a small `/tmp`. At level `none` it is the working directory, by its own path. */
  readonly root: string;
  /** Further host paths to show read-only. */
  readonly readOnly?: readonly { readonly source: string; readonly target: string }[];
  /** Hosts it may reach over HTTP and HTTPS, by the proxy that its environment names (`HTTPS_PROXY` and so on). Absent: no network. */
  readonly network?: { readonly allow: readonly NetworkRule[] };
  /** Added to a minimal environment; nothing of the caller's is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Partial<SandboxLimits>;
};

export type SandboxReport = {
  readonly level: SandboxLevel;
  /** Null when a limit ended it; 128 + n when signal n did, 127 when there is no such command. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
  /**
   * The limit that ended the command; `cpu` and `file` only when its first process ended by them, which 152 and 153
   * tell. Otherwise, as with a limit on processes or open files, they show as an error inside.
   */
  readonly limitHit?: LimitHit;
  /** `host:port` that the command asked the proxy for and was refused, each once. */
  readonly refusedHosts?: readonly string[];
};

export type LimitHit = "wall" | "cpu" | "memory" | "disk" | "file" | "output";

/** Runs a command with nothing but its workspace, and kills all of it at the end. */
export type Sandbox = {
  readonly level: SandboxLevel;
  /** Whether paths can be shown elsewhere than where they are. If not, a `target` must be its `source`, and the workspace keeps its own path. */
  readonly mounts: boolean;
  /** The Node binary's path as a command inside sees it. */
  readonly nodePath: string;
  /** The Python 3 interpreter's path inside, or undefined where the machine has none that the sandbox can show. */
  readonly pythonPath: string | undefined;
  /**
   * Settles when every process of the command is dead, and rejects with the signal's reason when aborted.
   *
   * @throws an error when the command could not be run at all; one that failed, was not found or hit a limit is a report.
   */
  run(request: SandboxRequest, signal: AbortSignal): Promise<SandboxReport>;
};
