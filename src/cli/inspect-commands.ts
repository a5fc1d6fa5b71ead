import type { Command } from "commander";
import type { DebugFlags } from "./debug.ts";
import type { RetryFlags } from "./fork.ts";
import type { Output } from "./output.ts";

type Json = { readonly json?: boolean };
type Run = (flags: Json, command: (output: Output) => Promise<number>) => Promise<void>;

/** The commands that look into a build, and that go on from inside of one. */
export function declareInspectCommands(program: Command, run: Run): void {
  program
    .command("status")
    .summary("one build, its tasks and what happened last")
    .description(
      "Shows a build, its tasks and who works on them with which model, and what happened last; the newest one if none is named.",
    )
    .argument("[id]")
    .option("--watch", "again and again until the build has ended; keeps no worker awake")
    .option("--json", "print JSON; with --watch one document a line, at every change")
    .action((id: string | undefined, flags: Json & { watch?: boolean }) =>
      run(flags, async (output) => (await import("./status.ts")).runStatusCommand(id, flags, output)),
    );

  program
    .command("debug")
    .summary("one task from the inside: every prompt as sent")
    .description(
      "Shows everything that happened to a task in order, or which tasks there are if none is named: each prompt as sent with its tokens by part, each reply and the diff it made, checks with their output, tool calls, reviews, and why it went where it went. Tasks are those of the plan, and spec, plan, tests, verify.",
    )
    .argument("[task]", "a task; with --graph also build, decompose, task or reply")
    .option("--build <id>", "the build (the newest one)")
    .option("--full", "print each prompt whole, and not only what is new in it; cut nothing")
    .option("--graph", "print the graph as Mermaid, with the path that was taken")
    .option("--from <step>", "a new build that keeps what stands before this step, and does it and the rest again")
    .option("--seed <number>", "with --from: another seed for what is asked anew")
    .option("--out <dir>", "with --from: where the new build's repository goes")
    .option("--replay", "run the finished build again from its journal, without a model: is it the same commit?")
    .option("--json", "print JSON; with --from one event a line")
    .addHelpText(
      "after",
      `
Examples:
  atos debug spec
  atos debug code --from simple-1/turn-1 --seed 7
  atos debug --graph task`,
    )
    .action((task: string | undefined, flags: Json & DebugFlags) =>
      run(flags, async (output) => (await import("./debug.ts")).runDebugCommand(task, flags, output)),
    );

  program
    .command("retry")
    .summary("a red task of a finished build once more, in a new build")
    .description(
      "Does a task that is red or skipped again with another seed, and what comes after it, in a new build; what other tasks made is kept. The old build stays as it is.",
    )
    .argument("<task>")
    .option("--build <id>", "the build (the newest one)")
    .option("--out <dir>", "where the new build's repository goes")
    .option("--json", "one event a line on standard output")
    .action((task: string, flags: Json & RetryFlags) =>
      run(flags, async (output) => (await import("./fork.ts")).runRetryCommand(task, flags, output)),
    );
}
