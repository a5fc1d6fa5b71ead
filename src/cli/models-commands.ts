import type { Command } from "commander";
import type { Output } from "./output.ts";

type Json = { readonly json?: boolean };
type Run = (flags: Json, command: (output: Output) => Promise<number>) => Promise<void>;

/** Declares what follows `atos models`; each command's code is loaded when it is called. */
export function declareModelsCommands(models: Command, run: Run): void {
  declareList(models, run);
  declarePull(models, run);
  declareShow(models, run);
  declareRm(models, run);
  declareProbe(models, run);
  declareBench(models, run);
  declarePs(models, run);
  declareUnload(models, run);
}

function declareList(models: Command, run: Run): void {
  models
    .command("list")
    .summary("the models on this machine, or the catalog")
    .description("Lists the models on this machine: ATOS's own, those pulled, and pulls that were not finished.")
    .option("--catalog", "those that can be fetched by name, with size and what they need")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  atos models list\n  atos models list --catalog")
    .action((flags: Json & { catalog?: boolean }) =>
      run(flags, async (output) => (await import("./models-list.ts")).runModelsListCommand(flags, output)),
    );
}

function declarePull(models: Command, run: Run): void {
  models
    .command("pull")
    .summary("fetch a model, or go on with it")
    .description(
      "Fetches a model into the state folder, goes on where an earlier try stopped, and checks size and hash.",
    )
    .argument("<model>", "a name of the catalog, hf:OWNER/REPOSITORY/FILE.gguf, or an https address of a .gguf file")
    .option("--name <name>", "what to call it here (the catalog's name, else the file's)")
    .option("--sha256 <hash>", "refuse a file with another hash")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Examples:
  atos models pull qwen2.5-coder-3b            the catalog's file, at 4 bits
  atos models pull qwen2.5-coder-3b:Q8_0       the same model at 8 bits
  atos models pull hf:bartowski/gemma-2-2b-it-GGUF/gemma-2-2b-it-Q6_K.gguf --name gemma

Ctrl-C keeps what has come; the same command goes on. HF_TOKEN is your token for gated models, and goes
to the hub only; HF_ENDPOINT names a mirror of the hub.`,
    )
    .action((model: string, flags: Json & { name?: string; sha256?: string }) =>
      run(flags, async (output) => (await import("./models-pull.ts")).runModelsPullCommand(model, flags, output)),
    );
}

function declareShow(models: Command, run: Run): void {
  models
    .command("show")
    .summary("facts, licence and memory of a model")
    .description("Shows what is known of a model: of one on this machine, of the catalog, a file, or an address.")
    .argument("<model>", "a model's name, a .gguf file, or an hf: address")
    .option("--context <tokens>", "context for which memory is estimated (8192, or what the model was trained for)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  atos models show nano\n  atos models show qwen2.5-coder-7b:8bit --context 32768\n  atos models show ./model.gguf",
    )
    .action((model: string, flags: Json & { context?: string }) =>
      run(flags, async (output) => (await import("./models-show.ts")).runModelsShowCommand(model, flags, output)),
    );
}

function declareRm(models: Command, run: Run): void {
  models
    .command("rm")
    .summary("delete a pulled model")
    .description("Deletes a pulled model, or what a pull that was not finished left of it.")
    .argument("<name>", "as atos models list shows it")
    .option("--yes", "don't ask")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  atos models rm qwen2.5-coder-3b --yes")
    .action((name: string, flags: Json & { yes?: boolean }) =>
      run(flags, async (output) => (await import("./models-rm.ts")).runModelsRmCommand(name, flags, output)),
    );
}

const MODEL_ARGUMENT = "nano, a model's name, a .gguf file, or a server's address";

function declareProbe(models: Command, run: Run): void {
  models
    .command("probe")
    .summary("what a model can do: tool calls, schemas, stopping, speed")
    .description(
      "Asks a model some forty short questions and keeps what came of it: which format of tool calls it handles best, whether it keeps to a schema, stops, heeds its system prompt and thinks when told to, and how fast it is.",
    )
    .argument("<model>", MODEL_ARGUMENT)
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  atos models probe ./model.gguf\n  atos models probe http://127.0.0.1:11434/v1#qwen2.5-coder:7b",
    )
    .action((model: string, flags: Json) =>
      run(flags, async (output) => (await import("./models-probe.ts")).runModelsProbeCommand(model, output)),
    );
}

function declareBench(models: Command, run: Run): void {
  models
    .command("bench")
    .summary("how fast a model is on this machine")
    .description(
      "Times short and long prompts: tokens of prompt and of reply a second, and the wait for the first one.",
    )
    .argument("<model>", MODEL_ARGUMENT)
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  atos models bench nano")
    .action((model: string, flags: Json) =>
      run(flags, async (output) => (await import("./models-bench.ts")).runModelsBenchCommand(model, output)),
    );
}

function declarePs(models: Command, run: Run): void {
  models
    .command("ps")
    .summary("what is loaded, what it takes, who uses it and who waits")
    .description(
      "Shows the models that the worker has loaded: memory by part, slots, who is at work on them, who waits and why, and which model is loaded next. Then each memory of the machine: its total, what is kept free, what other programs use, what is left for models and what of that is booked. Starts nothing.",
    )
    .option("--watch", "look again every second, until Ctrl-C")
    .option("--json", "print JSON; with --watch a line at every change")
    .addHelpText(
      "after",
      `
Examples:
  atos models ps
  atos models ps --watch
  atos models ps --watch --json >> loaded.jsonl

Slots are replies that a model can write at once, each with a context of its own. Watching keeps no worker awake.`,
    )
    .action((flags: Json & { watch?: boolean }) =>
      run(flags, async (output) => (await import("./models-ps.ts")).runModelsPsCommand(flags, output)),
    );
}

function declareUnload(models: Command, run: Run): void {
  models
    .command("unload")
    .summary("free the memory of idle models")
    .description(
      "Unloads the model of that name, or every idle one. A model in the middle of a turn goes when that ends; builds load again what they need.",
    )
    .argument("[model]", "as atos models ps shows it")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  atos models unload\n  atos models unload coder")
    .action((model: string | undefined, flags: Json) =>
      run(flags, async (output) => (await import("./models-unload.ts")).runModelsUnloadCommand(model, output)),
    );
}
