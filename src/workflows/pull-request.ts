import type { Receipt } from "./receipt.ts";
import type { ChangedLines } from "./changed-lines.ts";

export const PULL_REQUEST = ".atos/pull-request.md";

const MAX_TITLE_CHARS = 70;
const MAX_FILES = 50;

export type PullRequest = {
  readonly summary: string;
  readonly tasks: readonly { readonly id: string; readonly description: string; readonly state: string }[];
  readonly changes: readonly ChangedLines[];
  /** What holds the work and its receipt. */
  readonly branch: string;
  readonly receipt: Pick<
    Receipt,
    "build" | "verdict" | "why" | "goal" | "criteria" | "checks" | "review" | "frozenTests" | "verification" | "models"
  >;
  /** Tests of the repository that were red before the build. */
  readonly redTests: readonly { readonly path: string; readonly why: string }[];
};

/** A build on a repository, as whoever is to take it in is told of it: Markdown, its title first. Pure. */
export function pullRequestText(request: PullRequest): string {
  const { receipt, summary, redTests } = request;
  const { verdict, why, goal, criteria } = receipt;
  const lookAt = thingsToLookAt(request);
  const models = receipt.models.map(({ id }) => id).join(", ");
  return [
    `# ${titleOf(summary === "" ? goal : summary)}`,
    "",
    ...(verdict === "green" ? [] : [`**Not done:** ${plain(why)}`, ""]),
    ...goal.split("\n").map((line) => `> ${plain(line)}`),
    "",
    ...section(
      "What it does",
      criteria.map((one) => plain(one)),
    ),
    ...section(
      "Tasks",
      request.tasks.map(({ id, description, state }) => `${plain(id)} (${state}): ${plain(description)}`),
    ),
    ...section("Files", fileLines(request.changes)),
    ...section("How it was verified", [
      `${receipt.verification.passed} tests passed, ${receipt.verification.failed} did not, in a clean checkout (sandbox: ${receipt.verification.sandbox})`,
      ...receipt.frozenTests.map(({ path }) => `${code(path)} was written and frozen before the code`),
      ...(receipt.checks ?? []).map(({ what, outcome }) => `${plain(what)}: ${plain(outcome)}`),
      ...redTests.map(
        ({ path, why: red }) => `${code(path)} was red before, and is not held against it: ${plain(red)}`,
      ),
    ]),
    ...section(
      "What to look at",
      lookAt.length === 0
        ? [receipt.review === null ? "everything: nobody has reviewed it" : "the reviewer found nothing"]
        : lookAt,
    ),
    `Made by ATOS with ${models === "" ? "no model" : models}; build ${receipt.build}. The proof stands in RECEIPT.md: \`atos receipt verify . --branch ${request.branch}\``,
    "",
  ].join("\n");
}

/** One line of at most 70 characters, cut between words. Pure. */
export function titleOf(text: string): string {
  const line = plain(text)
    .replace(/^#+\s*/, "")
    .replace(/[.\s]+$/, "");
  // What is the name of something in the code stays as it is written there.
  const title = /^\p{L}+(?=[\s,;:]|$)/u.test(line) ? line.charAt(0).toUpperCase() + line.slice(1) : line;
  if (title.length <= MAX_TITLE_CHARS) return title;
  const head = title.slice(0, MAX_TITLE_CHARS - 1);
  const space = head.lastIndexOf(" ");
  return `${(space > MAX_TITLE_CHARS / 2 ? head.slice(0, space) : head).trimEnd()}…`;
}

function thingsToLookAt({ receipt, changes }: PullRequest): readonly string[] {
  return [
    ...(receipt.review?.findings ?? []).map((finding) => plain(finding)),
    ...changes
      .filter(
        ({ path, kind }) => kind === "changed" && /(^|\/)(package\.json|pyproject\.toml|[^/]*lock[^/]*)$/.test(path),
      )
      .map(({ path }) => `${code(path)} was changed`),
  ];
}

function fileLines(changes: readonly ChangedLines[]): readonly string[] {
  const shown = changes.slice(0, MAX_FILES).map(({ path, kind, added, removed }) => {
    const how = kind === "changed" ? "" : ` (${kind})`;
    return added === undefined ? `${code(path)}${how}: not text` : `${code(path)}${how} +${added} −${removed}`;
  });
  const more = changes.length - shown.length;
  return more === 0 ? shown : [...shown, `and ${more} more`];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`## ${title}`, "", ...lines.map((line) => `- ${line}`), ""];
}

/** A path may hold a backtick; in a code span it would end it. */
function code(path: string): string {
  return path.includes("`") ? plain(path) : `\`${plain(path)}\``;
}

/** One line without control characters, which models and tests may have said. */
function plain(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}
