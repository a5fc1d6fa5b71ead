import { EXIT } from "../base/errors.ts";
import { commandContext, settingsOf } from "./context.ts";
import type { Output } from "./output.ts";

/** `atos config show`: each setting, its value and where it came from. */
export async function runConfigShowCommand(output: Output): Promise<number> {
  const context = commandContext();
  const { origins } = await settingsOf(context);
  output.emit({ home: context.folder.root, settings: origins });
  output.say(`${"home".padEnd(20)} ${context.folder.root}`);
  for (const [name, { value, from }] of Object.entries(origins))
    output.say(`${name.padEnd(20)} ${value ?? "-"}  (${from})`);
  return EXIT.done;
}
