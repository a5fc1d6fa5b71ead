import { tmpdir } from "node:os";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EXIT } from "../base/errors.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { loadLanguages } from "../tools/load-languages.ts";
import { chooseRoster, OWN_LANGUAGES } from "../workflows/choose-roster.ts";
import { type EvalReport, makeReport } from "../workflows/eval/eval-report.ts";
import type { EvalResult } from "../workflows/eval/eval-result.ts";
import { gradeSolution } from "../workflows/eval/grade-solution.ts";
import { reportSvg } from "../workflows/eval/report-svg.ts";
import { reportText } from "../workflows/eval/report-text.ts";
import { type EvalHeader, openResultsFile } from "../workflows/eval/results-file.ts";
import { runSuite } from "../workflows/eval/run-suite.ts";
import type { EvalSuite, EvalTask } from "../workflows/eval/suite.ts";
import { commandContext, settingsOf } from "./context.ts";
import { type EvalFlags, readEvalOptions } from "./eval-options.ts";
import { evalHeader } from "./eval-header.ts";
import { newResultsFile, resultsFileToResume } from "./eval-results.ts";
import { solveByBuild } from "./eval-solve.ts";
import { chooseTasks, loadSuite } from "./eval-suite.ts";
import { interrupted } from "./interrupted.ts";
import { modelChoice } from "./model-choice.ts";
import type { Output } from "./output.ts";
import { seconds } from "./render-event.ts";
import { showPath } from "./show-path.ts";

/** `atos eval`: a task suite, solved in one or two ways by the same models, judged by tests nobody was shown. */
export async function runEvalCommand(suiteName: string, flags: EvalFlags, output: Output): Promise<number> {
  const options = readEvalOptions(flags);
  const here = commandContext();
  const languages = await loadLanguages([OWN_LANGUAGES, join(here.folder.root, "languages")]);
  const suite = await loadSuite(suiteName, options.path, languages);
  const tasks = chooseTasks(suite, options);
  const { model, roster, budget } = flags;
  const settings = await settingsOf(here, { model, roster, budget });
  const context = { ...here, budget: settings.budget };
  const choice = modelChoice(context, settings, flags);
  const chosen = await chooseRoster(choice);
  for (const note of [...chosen.notes, ...suite.notes]) output.note(`atos: ${note}`);
  const wish = {
    stateRoot: context.folder.root,
    choice,
    unsafe: false,
    seed: options.seed,
    ...(settings.team === undefined ? {} : { team: settings.team }),
    effort: settings.effort,
    limits: {},
    askPlan: false,
    planOnly: false,
    deterministic: false,
  };
  const header = await evalHeader({ suite, chosen, languages, options, wish });
  const evals = join(context.folder.root, "evals");
  const place = { evals, out: options.out, suite: suite.name, header };
  const file = options.resume ? await resultsFileToResume(place) : newResultsFile(place, new Date());
  const nowMs = (): number => performance.now();
  const sandbox = await openSandbox({ ...settings.sandbox, unsafe: false });
  const results = await runInto(file, {
    run: { suite, tasks, header, resume: options.resume, sandbox },
    solve: solveByBuild({ context, wish, note: output.note, nowMs }),
    output,
  });
  const report = makeReport({ suite, tasks, header, results });
  await show(report, { file, out: options.out, output });
  return EXIT.done;
}

type EvalRun = {
  readonly run: {
    readonly suite: EvalSuite;
    readonly tasks: readonly EvalTask[];
    readonly header: EvalHeader;
    readonly resume: boolean;
    readonly sandbox: Awaited<ReturnType<typeof openSandbox>>;
  };
  readonly solve: ReturnType<typeof solveByBuild>;
  readonly output: Output;
};

async function runInto(file: string, { run, solve, output }: EvalRun): Promise<readonly EvalResult[]> {
  const { tasks, header, resume, sandbox } = run;
  await using results = await openResultsFile(file, { header, resume });
  const scratchDirectory = await mkdtemp(join(tmpdir(), "atos-eval-grade-"));
  const total = tasks.length * header.ways.length;
  let count = results.results.filter(({ task }) => tasks.some(({ id }) => id === task)).length;
  output.note(`results: ${showPath(file)}${resume ? `, ${results.results.length} there already` : ""}`);
  try {
    const added = await runSuite(
      {
        solve,
        grade: (task, { files }, signal) => gradeSolution({ sandbox, scratchDirectory }, { task, files }, signal),
        record: async (result) => {
          await results.append(result);
          output.note(`${String(++count).padStart(String(total).length)} of ${total}  ${lineOf(result)}`);
        },
      },
      { tasks, ways: header.ways, done: results.results },
      interrupted(),
    );
    return [...results.results, ...added];
  } finally {
    await rm(scratchDirectory, { recursive: true, force: true });
  }
}

function lineOf({ way, task, passed, why, turns, promptTokens, outputTokens, durationMs }: EvalResult): string {
  const cost = `${turns} turns, ${promptTokens + outputTokens} tokens, ${seconds(durationMs)}`;
  return `${passed ? "✔" : "✘"} ${way.padEnd(6)} ${task}: ${passed ? "" : `${why.split("\n")[0]} · `}${cost}`;
}

async function show(
  report: EvalReport,
  { file, out, output }: { file: string; out: string | undefined; output: Output },
): Promise<void> {
  const text = reportText(report);
  if (out !== undefined) {
    const folder = resolve(out);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "report.txt"), text);
    await writeFile(join(folder, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
    await writeFile(join(folder, "report.svg"), reportSvg(report));
  }
  output.emit(report);
  output.say(`\n${text}`);
  const files = out === undefined ? "" : `; report.txt, report.json and report.svg in ${showPath(resolve(out))}`;
  output.say(`Every result: ${showPath(file)}${files}`);
}
