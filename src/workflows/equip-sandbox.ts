import type { Sandbox, SandboxRequest } from "../sandbox/sandbox.ts";

/** What every command of a sandbox finds, unless it asks for something else in the same place. */
export type Equipment = {
  readonly readOnly?: NonNullable<SandboxRequest["readOnly"]>;
  readonly env?: Readonly<Record<string, string>>;
};

/** `sandbox` with something shown, and variables set, for all that runs in it. Pure. */
export function equipSandbox(sandbox: Sandbox, { readOnly = [], env = {} }: Equipment): Sandbox {
  const { level, mounts, nodePath, pythonPath } = sandbox;
  // Without a sandbox everything is seen as it is.
  const shown = level === "none" ? [] : readOnly;
  return {
    level,
    mounts,
    nodePath,
    pythonPath,
    run: (asked, signal) => {
      const own = asked.readOnly ?? [];
      const others = shown.filter((one) => own.every(({ target }) => target !== one.target));
      return sandbox.run({ ...asked, readOnly: [...others, ...own], env: { ...env, ...asked.env } }, signal);
    },
  };
}
