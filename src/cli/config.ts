import { EXIT } from "../base/errors.ts";
import { commandContext, settingsOf } from "./context.ts";
import type { Output } from "./output.ts";

/** `atos config show`: each setting, its value and where it came from. */
export async function runConfigShowCommand(output: Output): Promise<number> {
  const context = commandContext();
  const { origins } = await settingsOf(context);
  output.emit({ home: context.folder.root, settings: origins });
  const settings = Object.entries(origins).map(
    ([name, { value, from }]) => [name, `${value ?? "-"}  (${from})`] as const,
  );
  output.say(columns([["home", context.folder.root], ...settings]).join("\n"));
  return EXIT.done;
}

/** Names, and what stands behind them in one column. Pure. */
export function columns(rows: readonly (readonly [name: string, text: string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}
