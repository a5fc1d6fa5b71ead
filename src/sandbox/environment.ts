import { usageError } from "../base/errors.ts";

/**
 * The variables that a request adds, checked. Pure.
 *
 * @throws `sandbox/env` for one that no process can be given.
 */
export function checkedEnv(env: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes("\0")) {
      throw usageError(
        "sandbox/env",
        `${JSON.stringify(name)} cannot be set in the sandbox: a name has letters, digits and _ only, and no value holds a NUL.`,
      );
    }
  }
  return env;
}
