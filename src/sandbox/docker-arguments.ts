import { MEMORY_MOUNTS } from "./bubblewrap-arguments.ts";
import type { HiddenEntry } from "./mount-points.ts";
import type { SandboxLimits } from "./sandbox.ts";

/** One call, its paths checked and resolved. */
export type DockerPlan = {
  readonly image: string;
  /** The container's name, by which it can be killed. */
  readonly name: string;
  readonly root: string;
  /** Whom the command runs as; the workspace is theirs. */
  readonly user: number;
  readonly hidden: readonly HiddenEntry[];
  readonly readOnly: readonly { readonly source: string; readonly target: string }[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  readonly command: readonly [string, ...string[]];
};

const MIB = 1024 * 1024;
/** A container is not ended by the end of this process; it ends itself so long after its time. */
const GRACE_SECONDS = 5;

/** The arguments of docker for one call. Pure. */
export function dockerArguments(plan: DockerPlan): string[] {
  const { limits, user } = plan;
  const cpu = `cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 1}`;
  const env = Object.entries({ ...MINIMAL_ENV, ...plan.env });
  return [
    ["run", "--rm", "--init", "--name", plan.name, "--pull", "never", "--entrypoint", ""],
    ["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
    ["--user", `${user}:${user}`, "--pids-limit", String(limits.processes)],
    ["--memory", `${limits.memoryMib}m`, "--memory-swap", `${limits.memoryMib}m`],
    ["--ulimit", cpu, "--ulimit", `fsize=${limits.fileMib * MIB}`, "--ulimit", "nofile=1024", "--ulimit", "core=0"],
    Object.entries(MEMORY_MOUNTS).flatMap(([path, mib]) => [
      "--tmpfs",
      `${path}:rw,exec,nosuid,nodev,mode=1777,size=${mib}m`,
    ]),
    mount(["type=bind", `source=${plan.root}`, "target=/workspace"]),
    plan.hidden.flatMap(hide),
    plan.readOnly.flatMap(({ source, target }) =>
      mount(["type=bind", `source=${source}`, `target=${target}`, "readonly"]),
    ),
    ["--workdir", "/workspace"],
    env.flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    [plan.image, "timeout", "-s", "KILL", String(Math.ceil(limits.wallMs / 1000) + GRACE_SECONDS)],
    plan.command,
  ].flat();
}

const MINIMAL_ENV: Readonly<Record<string, string>> = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: "/tmp",
  LANG: "C.UTF-8",
  TMPDIR: "/tmp",
  PYTHONDONTWRITEBYTECODE: "1",
};

function hide({ name, kind }: HiddenEntry): string[] {
  const target = `target=/workspace/${name}`;
  if (kind === "file") return mount(["type=bind", "source=/dev/null", target, "readonly"]);
  return mount(["type=tmpfs", target, "tmpfs-mode=0555", "tmpfs-size=4096", "readonly"]);
}

/** Fields are comma-separated values, in quotes where a path has a comma or quotes. */
function mount(fields: readonly string[]): string[] {
  const quoted = fields.map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field));
  return ["--mount", quoted.join(",")];
}
