import { Command } from "commander";
import { declareAuditCommands } from "./audit-commands.ts";
import type { BuildFlags } from "./build.ts";
import { declareEvalCommand } from "./eval-command.ts";
import { declareInspectCommands } from "./inspect-commands.ts";
import { declareMcpCommand } from "./mcp-command.ts";
import { declareModelsCommands } from "./models-commands.ts";
import type { ListFlags } from "./list.ts";
import type { ReceiptVerifyFlags } from "./receipt.ts";
import type { SandboxFlags } from "./sandbox.ts";

const program = new Command("atos");
const BUDGET_HELP = "memory for all models together, such as 4gb: of the GPU, or the system's where there is none";

program
  .description("A local AI software team: state a goal, get a git repository whose tests pass, and the proof.")
  .usage("COMMAND …")
  .option("--version", "print the version")
  .showHelpAfterError("(atos --help shows what there is)")
  .configureOutput({ writeErr: (text) => process.stderr.write(`atos: ${text}`) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .addHelpText(
    "after",
    `
Begin here, offline:
  atos build "Write a Python function add_numbers that adds two numbers, with tests" --out ./demo

State lives in the folder ATOS_HOME; atos config show prints the settings.
Exit codes: 0 done, 1 the work failed honestly, 2 bad usage, 3 something is
missing and the message says how to get it, 130 interrupted.`,
  );

program
  .command("build")
  .summary("goal → tested git repository with a receipt")
  .description(
    "Builds what the goal says: spec, plan, acceptance tests frozen before the code, code, fixes, review, verification, delivery.",
  )
  .argument("<goal>", "what to build, in your own words")
  .option("--out <dir>", "where the repository goes: a new or empty folder")
  .option("--repo <dir>", "instead: work on this repository; the result is a new branch, its files stay as they are")
  .option("--branch <name>", "with --repo: the branch's name (atos/ and the build's id)")
  .option(
    "--model <model>",
    "one model for everything: nano, a pulled model's name, a .gguf file, or a server's address",
  )
  .option(
    "--roster <roster>",
    "several models: a roster file (YAML), or one of ATOS's own by its budget: cpu, 4gb, 8gb …",
  )
  .option("--budget <size>", BUDGET_HELP)
  .option("--team <team>", "who does what: a team's name, or its file (YAML)")
  .option(
    "--max-minutes <n>",
    "begin nothing new after so many minutes of work; what is there is verified and delivered",
  )
  .option("--max-tokens <n>", "the same after so many tokens, read and written together")
  .option("--plan-only", "stop when the plan and its tests stand; atos resume goes on from there")
  .option("--seed <number>", "seed of the models' sampling (0)")
  .option("--deterministic", "the same goal, seed and model files give the same verified tree, byte for byte; slower")
  .option("--yes", "accept the plan and its tests as they are; what a policy asks about a tool call is still asked")
  .option("--unsafe", "run generated code without a sandbox (don't)")
  .option("--json", "one event a line on standard output")
  .addHelpText(
    "after",
    `
Models:
  without --model          atos-nano, built in: tiny, offline, a closed domain of small functions
  --model http://127.0.0.1:11434/v1#qwen2.5-coder:7b    Ollama; vLLM, llama.cpp, LM Studio likewise
  --model ./model.gguf     a GGUF file, run by the embedded engine

What is loaded, and what it takes: atos models ps. Memory for models is all that
is free, less a reserve; --budget 4gb makes it less. It holds for the worker, so
one that runs with another budget is not used.

On a terminal the plan and its tests are shown before there is code: accept,
edit (in VISUAL or EDITOR), or stop. With --yes or --json, or without a
terminal, they are taken as they are. What a policy asks about a tool call waits
for atos approve or atos deny in any case; the other tasks go on meanwhile.

Ctrl-C pauses the build and says how to go on; a second Ctrl-C leaves at once.`,
  )
  .action((goal: string, flags: BuildFlags & Json) =>
    run(flags, async (output) => (await import("./build.ts")).runBuildCommand(goal, flags, output)),
  );

declareInspectCommands(program, run);

program
  .command("list")
  .summary("the newest builds")
  .description("Lists the newest builds.")
  .option("--limit <number>", "at most so many (20)", "20")
  .option("--all", "also the builds that atos eval made")
  .option("--json", "print JSON")
  .action((flags: Json & ListFlags) =>
    run(flags, async (output) => (await import("./list.ts")).runListCommand(flags, output)),
  );

program
  .command("resume")
  .summary("go on with a build after a pause or a crash")
  .description(
    "Goes on with a build after a pause, a stop or a crash; with the latest unfinished one if none is named. No recorded step is repeated.",
  )
  .argument("[id]")
  .option("--budget <size>", BUDGET_HELP)
  .option("--json", "one event a line on standard output")
  .action((id: string | undefined, flags: Json & { budget?: string }) =>
    run(flags, async (output) => (await import("./resume.ts")).runResumeCommand(id, flags, output)),
  );

program
  .command("cancel")
  .summary("end a build for good")
  .description("Ends a build for good; the latest unfinished one if none is named.")
  .argument("[id]")
  .option("--json", "print JSON")
  .action((id: string | undefined, flags: Json) =>
    run(flags, async (output) => (await import("./cancel.ts")).runCancelCommand(id, output)),
  );

for (const [name, decision, does] of [
  ["approve", "approved", "Says yes to a question of a build: to that one call, or that plan, and no other."],
  ["deny", "denied", "Says no to a question of a build; of one about its plan that ends it."],
] as const) {
  program
    .command(name)
    .summary(`${name} a call or a plan that a build asks about, or list such questions`)
    .description(`${does} Without an id lists the questions that are open, and what would be done, exactly.`)
    .argument("[id]")
    .option("--reason <text>", "told to the build with the answer")
    .option("--json", "print JSON")
    .action((id: string | undefined, { reason, ...flags }: Json & { reason?: string }) =>
      run(flags, async (output) =>
        (await import("./approve.ts")).runApproveCommand(
          { id, decision, ...(reason === undefined ? {} : { reason }) },
          output,
        ),
      ),
    );
}

const receipt = program
  .command("receipt")
  .summary("show or check the receipt of a delivered repository")
  .description("Shows or checks the receipt of a delivered repository.");
receipt
  .command("show")
  .description("Prints the receipt; checks nothing.")
  .argument("[dir]", "the delivered repository", ".")
  .option("--json", "print JSON")
  .action((dir: string, flags: Json) =>
    run(flags, async (output) => (await import("./receipt.ts")).runReceiptShowCommand(dir, output)),
  );
receipt
  .command("verify")
  .description("Checks commit, tree and frozen tests against the receipt, and runs the tests again in the sandbox.")
  .argument("[dir]", "the delivered repository (.)")
  .option("--mutants [number]", "then change the code at so many places (12), one at a time: do the tests notice?")
  .option("--branch <name>", "of this branch, as a build with --repo makes it, and not of what is checked out")
  .option("--unsafe", "run its tests without a sandbox (don't)")
  .option("--json", "print JSON")
  .addHelpText(
    "after",
    `
Mutants show that the tests can fail. Each that survives is told and is no fault
of the receipt; where three or more were tried and not one was noticed, the
tests prove nothing, and the exit code is 1.`,
  )
  .action((dir: string | undefined, flags: Json & ReceiptVerifyFlags) =>
    run(flags, async (output) => (await import("./receipt.ts")).runReceiptVerifyCommand(dir, flags, output)),
  );

declareModelsCommands(
  program
    .command("models")
    .summary("list, fetch, show and remove models, and what is loaded")
    .description("Lists, fetches, shows and removes models, and says what is loaded."),
  run,
);

declareAuditCommands(
  program
    .command("audit")
    .summary("all that was done, in order, chained by hashes")
    .description("The audit trail: everything that was done, in order, chained by hashes."),
  run,
);

declareMcpCommand(program.command("mcp"), run);

declareEvalCommand(program.command("eval"), run);

const config = program.command("config").summary("the settings").description("Shows the settings.");
config
  .command("show")
  .description("Prints each setting, its value and where it came from.")
  .option("--json", "print JSON")
  .action((flags: Json) => run(flags, async (output) => (await import("./config.ts")).runConfigShowCommand(output)));

program
  .command("doctor")
  .summary("what this machine can run, and how to get what is missing")
  .description("Says what this machine can run, and how to get what is missing.")
  .option("--fix", "install what is missing where that can be done")
  .option("--yes", "with --fix: don't ask")
  .option("--json", "print JSON")
  .action((flags: Json & { fix?: boolean; yes?: boolean }) =>
    run(flags, async (output) => (await import("./doctor.ts")).runDoctorCommand(flags, output)),
  );

program
  .command("sandbox")
  .summary("any command, run as agents' code is run")
  .description(
    "Runs a command under the very policy that agents' code gets: it has one folder, no network, no secrets and limits, and nothing of it is left when it ends.",
  )
  .usage("[options] -- COMMAND …")
  .argument("[command...]", "the program and its arguments, behind two dashes")
  .option("--root <dir>", "the folder it may write to (a fresh one, removed afterwards)")
  .option(
    "--allow-host <host>",
    "let it reach HOST[:PORT] by HTTP and HTTPS; port 443 if none is named; repeatable",
    collect,
  )
  .option("--wall-seconds <n>", "time (60)")
  .option("--cpu-seconds <n>", "CPU time of a process (60)")
  .option("--memory-mib <n>", "memory of all its processes (1024)")
  .option("--processes <n>", "processes and threads (128)")
  .option("--file-mib <n>", "size of a file (64)")
  .option("--disk-mib <n>", "growth of its folder (256)")
  .option("--output-bytes <n>", "standard output and standard error together (1048576)")
  .option("--json", "print one JSON document: its output, exit code, limits, level")
  .addHelpText(
    "after",
    `
Examples:
  atos sandbox -- python3 -c 'print(1 + 1)'
  atos sandbox --root . -- node --test
  atos sandbox --wall-seconds 5 --memory-mib 256 --json -- ./program
  atos sandbox --allow-host pypi.org --allow-host files.pythonhosted.org -- python3 -m pip download six

The folder is /workspace inside, and the working directory. What stands behind
-- belongs to the command. Output comes when the command has ended, and standard
input is empty.

Exit code: the command's own; 127 if there is no such command, 128 + n if signal
n ended it. If ATOS ended it: 1 at a limit, and a line on standard error says
which; 2 bad usage; 3 no sandbox here; 130 after Ctrl-C. With --json limitHit
and exitCode tell them apart.`,
  )
  .action((command: string[], flags: Json & SandboxFlags) =>
    run(flags, async (output) => (await import("./sandbox.ts")).runSandboxCommand(command, flags, output)),
  );

program
  .command("worker")
  .summary("the worker in the foreground; other commands start one")
  .description("Runs the worker in the foreground; the other commands start one by themselves.")
  .option("--budget <size>", BUDGET_HELP)
  .action((flags: { budget?: string }) => run({}, async () => (await import("./worker.ts")).runWorker(flags)));

type Json = { readonly json?: boolean };

/** For an option that may be given more than once. */
function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

async function run(flags: Json, command: Parameters<typeof import("./output.ts").runCommand>[1]): Promise<void> {
  const { runCommand } = await import("./output.ts");
  await runCommand(flags.json ?? false, command);
}

if (process.argv.length <= 2) program.outputHelp();
else await program.parseAsync();
