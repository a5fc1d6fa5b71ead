import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { EXIT, usageError } from "../base/errors.ts";
import { pullModel, pullUrl } from "../engine/pull-model.ts";
import { loadRoster } from "../agents/load-roster.ts";
import { NANO_ROSTER } from "../workflows/choose-roster.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";

const HUB = "https://huggingface.co";

/** `atos models list`: what `--model NAME` can mean here. */
export async function runModelsListCommand(output: Output): Promise<number> {
  const { folder } = commandContext();
  const own = (await loadRoster(NANO_ROSTER)).roster.models.flatMap((source) =>
    source.kind === "gguf" ? [{ name: source.id, path: source.path }] : [],
  );
  const files = await readdir(folder.models).catch(() => []);
  const pulled = files
    .filter((file) => file.endsWith(".gguf"))
    .map((file) => ({ name: basename(file, ".gguf"), path: join(folder.models, file) }));
  const models = await Promise.all(
    [...own, ...pulled].map(async (model) => ({ ...model, bytes: (await stat(model.path)).size })),
  );
  output.emit(models);
  for (const { name, path, bytes } of models) output.say(`${name.padEnd(32)} ${mib(bytes).padStart(10)}  ${path}`);
  return EXIT.done;
}

/** `atos models pull ADDRESS`: fetches a GGUF file into the state folder. */
export async function runModelsPullCommand(
  address: string,
  flags: { readonly name?: string; readonly sha256?: string },
  output: Output,
): Promise<number> {
  const { folder, env } = commandContext();
  const url = pullUrl(address, env["HF_ENDPOINT"] || HUB);
  const name = flags.name ?? basename(new URL(url).pathname, ".gguf");
  if (!/^[\w.-]+$/.test(name))
    throw usageError(
      "cli/bad-model-name",
      `--name must be letters, digits, ".", "_" and "-", not ${JSON.stringify(name)}`,
    );
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  let told = 0;
  const progress = (done: number, total: number | undefined): void => {
    if (performance.now() - told < 1000) return;
    told = performance.now();
    output.note(
      `${mib(done)}${total === undefined ? "" : ` of ${mib(total)} (${Math.floor((100 * done) / total)} %)`}`,
    );
  };
  const path = join(folder.models, `${name}.gguf`);
  const pulled = await pullModel({ url, path, sha256: flags.sha256, token: env["HF_TOKEN"], progress }, stop.signal);
  output.emit({ name, path, ...pulled });
  output.say(
    `${name}: ${mib(pulled.bytes)}, sha256 ${pulled.sha256}\nUse it: atos build "…" --out DIR --model ${name}`,
  );
  return EXIT.done;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
