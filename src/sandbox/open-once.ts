import type { SandboxChoice } from "./open-sandbox.ts";
import { openSandbox } from "./open-sandbox.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Opens a sandbox when one is first asked for and gives that one out from then on: to try it costs as much as many
 * commands. One that could not be opened is tried again, for a person may have mended it.
 */
export function openOnce(choice: SandboxChoice): (unsafe: boolean) => Promise<Sandbox> {
  const opened = new Map<boolean, Promise<Sandbox>>();
  return (unsafe) => {
    const known = opened.get(unsafe);
    if (known !== undefined) return known;
    const opening = openSandbox({ ...choice, unsafe });
    opened.set(unsafe, opening);
    opening.catch(() => opened.delete(unsafe));
    return opening;
  };
}
