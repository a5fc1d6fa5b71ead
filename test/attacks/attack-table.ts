import type { Category, Verdict } from "./attack.ts";
import { CATEGORIES } from "./attack.ts";

export type Outcome = { readonly front: string; readonly verdict: Verdict; readonly notPromised: string | undefined };

/** What became of one attack at all its fronts. */
export type AttackResult = {
  readonly category: Category;
  readonly name: string;
  readonly outcomes: readonly Outcome[];
  readonly control: Verdict | { readonly kind: "none"; readonly why: string };
};

/** Names that Markdown shows as they are. */
export function markdownText(text: string): string {
  return text.replaceAll(/[\\*_|<>`[\]]/g, "\\$&");
}

/** The document of a run: a table for each category, and the counts. Pure. */
export function attackTable(results: readonly AttackResult[], levels: readonly string[]): string {
  const sections = CATEGORIES.map((category) => {
    const rows = results.filter((result) => result.category === category).map(rowOf);
    return `## ${category}\n\n| attack | result | without the wall |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  const all = results.flatMap(({ outcomes }) => outcomes);
  const count = (kind: string): number => all.filter((outcome) => resultOf(outcome) === kind).length;
  const controls = results.filter(({ control }) => control.kind === "broke").length;
  return [
    "# Attacks",
    "",
    "What was tried against ATOS by its own tests, and what came of it. Written by `node scripts/attack-table.ts`; `npm test` makes the same attacks, and fails when one breaks through. What is promised, and what is not, stands in [security.md](security.md).",
    "",
    `Attacks by a command in the sandbox are made at every level that the machine has, here ${levels.join(" and ")}; the others on the part of ATOS that is named. An attack that holds proves something only if it could have succeeded, so each is made without the wall as well: as a plain child process, or against a simple program that does the same work. "Breaks through" says that it did harm there.`,
    "",
    ...sections,
    "## Counts",
    "",
    `${results.length} attacks, made ${all.length} times: held ${count("held")}, not promised ${count("not promised")}, broke through ${count("broke through")}. Without the wall ${controls} of ${results.length} break through; of the others the table says why they are not made there.`,
    "",
  ].join("\n");
}

function rowOf({ name, outcomes, control }: AttackResult): string {
  const kinds = [...new Set(outcomes.map(resultOf))];
  const results = kinds.map((kind) => {
    const those = outcomes.filter((outcome) => resultOf(outcome) === kind);
    const why = kind === "not promised" ? `: ${those[0]?.notPromised ?? ""}` : "";
    return `${kind} (${those.map(({ front }) => front).join(", ")})${why}`;
  });
  const without =
    control.kind === "none" ? `not made: ${control.why}` : control.kind === "broke" ? "breaks through" : "HELD";
  return `| ${markdownText(name)} | ${markdownText(results.join("; "))} | ${markdownText(without)} |`;
}

/** Where it is not promised and did hold, by luck or timing, the table does not boast of it. */
function resultOf({ verdict, notPromised }: Outcome): "held" | "not promised" | "broke through" {
  if (notPromised !== undefined) return "not promised";
  return verdict.kind === "held" ? "held" : "broke through";
}
