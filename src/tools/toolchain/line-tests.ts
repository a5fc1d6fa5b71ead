import type { ToldTest } from "./command-report.ts";
import type { CommandRun } from "./run-command.ts";
import type { LineReport } from "./toolchain.ts";

/** Reads a report of one line for each test, as the language's file describes it. Pure. */
export function readLineTests({ stdout, stderr }: CommandRun, report: LineReport): readonly ToldTest[] {
  const text = `${stdout}\n${stderr}`;
  return [...text.matchAll(new RegExp(report.test, "gmu"))].flatMap(({ groups }) => {
    const { name = "", outcome: said = "", file } = groups ?? {};
    const outcome = Object.hasOwn(report.outcomes, said) ? report.outcomes[said] : undefined;
    if (outcome === undefined) return [];
    const message = outcome === "failed" ? detailOf(text, name, report) : "";
    return [{ name, outcome, message, ...(file === undefined ? {} : { file }) }];
  });
}

function detailOf(text: string, name: string, { detail }: LineReport): string {
  if (detail === undefined) return "";
  const pattern = detail.replaceAll("{{name}}", () => RegExp.escape(name));
  return new RegExp(pattern, "mu").exec(text)?.groups?.["message"]?.trim() ?? "";
}
