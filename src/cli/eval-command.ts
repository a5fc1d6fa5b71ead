import type { Command } from "commander";
import type { EvalFlags } from "./eval-options.ts";
import type { runCommand } from "./output.ts";

type Run = (flags: { readonly json?: boolean }, command: Parameters<typeof runCommand>[1]) => Promise<void>;

/** Declares `atos eval`. */
export function declareEvalCommand(command: Command, run: Run): void {
  command
    .summary("a task suite: one reply against the team, on the same models")
    .description(
      "Solves the tasks of a suite by one reply and by builds of the same models, runs hidden tests on both, and reports passes, time and tokens.",
    )
    .argument("[suite]", "atos, humaneval, mbpp or exercises", "atos")
    .option("--path <path>", "where the suite is: a JSON Lines file (.gz too), or a folder")
    .option("--model <model>", "as for atos build")
    .option("--roster <roster>", "as for atos build")
    .option("--budget <size>", "as for atos build")
    .option("--ways <list>", "single, team or both (single,team)")
    .option("--limit <number>", "so many tasks, evenly chosen")
    .option("--tasks <ids>", "these tasks only, by commas")
    .option("--seed <number>", "seed of the models' sampling (0)")
    .option("--out <dir>", "folder for results.jsonl and report.txt, .json, .svg")
    .option("--resume", "go on with a run that was stopped")
    .option("--json", "print the report as one JSON document")
    .addHelpText(
      "after",
      `
Examples:
  atos eval --limit 4
  atos eval humaneval --path HumanEval.jsonl.gz --model qwen2.5-coder-3b --out report`,
    )
    .action((suite: string, flags: { readonly json?: boolean } & EvalFlags) =>
      run(flags, async (output) => (await import("./eval.ts")).runEvalCommand(suite, flags, output)),
    );
}
