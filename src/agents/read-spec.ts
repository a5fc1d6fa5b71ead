import { keyLine, type Read, replyLines } from "./read.ts";

export type Spec = {
  readonly name: string;
  readonly language: string;
  readonly summary: string;
  /** What must be true of the result, each of them checkable by a test. */
  readonly criteria: readonly string[];
};

export type SpecReply =
  | { readonly kind: "spec"; readonly spec: Spec }
  | { readonly kind: "refused"; readonly why: string };

/** The languages a build may be written in. */
export type KnownLanguages = {
  readonly names: readonly string[];
  /** The language's own name, for any name it goes by; undefined when it is none of them. */
  readonly find: (name: string) => string | undefined;
};

export const MAX_CRITERIA = 30;

const ITEM = /^\s*(?:[-*•]|\d+[.)])\s+(.*\S)\s*$/;
/** `C1: …`, also as a list item and in bold. */
const NUMBERED = /^\s*(?:(?:[-*•]|\d+[.)])\s+)?[*_`]*C\d+[*_`]*\s*[:.)][*_`]*\s+(.*\S)\s*$/i;

/**
 * Reads the product manager's reply: `NAME`, `LANGUAGE`, `SUMMARY`, `CRITERIA` lines, or one `REFUSE` line. Criteria
 * may be list items or numbered as C1, C2; the numbers are taken off. Pure.
 */
export function readSpec(reply: string, languages: KnownLanguages): Read<SpecReply> {
  const fields = new Map<string, string>();
  const criteria: string[] = [];
  let inCriteria = false;
  for (const line of replyLines(reply)) {
    const item = NUMBERED.exec(line)?.[1] ?? ITEM.exec(line)?.[1];
    if (inCriteria && item !== undefined) {
      criteria.push(item);
      continue;
    }
    const pair = keyLine(line);
    if (pair === undefined) continue;
    if (pair.key === "REFUSE") return { ok: true, value: { kind: "refused", why: pair.value } };
    inCriteria = pair.key === "CRITERIA";
    if (!fields.has(pair.key)) fields.set(pair.key, pair.value);
  }
  return checkSpec(fields, criteria, languages);
}

function checkSpec(
  fields: ReadonlyMap<string, string>,
  criteria: readonly string[],
  languages: KnownLanguages,
): Read<SpecReply> {
  const missing = ["NAME", "LANGUAGE", "SUMMARY"].filter((key) => (fields.get(key) ?? "") === "");
  if (missing.length > 0) return { ok: false, why: `the reply lacks ${missing.join(", ")}` };
  const name = fields.get("NAME") ?? "";
  if (!/^[A-Za-z][\w-]{0,63}$/.test(name))
    return {
      ok: false,
      why: `NAME must be one word of letters, digits, _ and -, not ${JSON.stringify(name.slice(0, 80))}`,
    };
  const asked = fields.get("LANGUAGE") ?? "";
  const language = languages.find(asked);
  if (language === undefined)
    return {
      ok: false,
      why: `LANGUAGE must be ${languages.names.join(" or ")}, not ${JSON.stringify(asked.slice(0, 40))}`,
    };
  if (criteria.length === 0) return { ok: false, why: "CRITERIA has no lines that start with - or C1:" };
  if (criteria.length > MAX_CRITERIA)
    return { ok: false, why: `${criteria.length} criteria are more than ${MAX_CRITERIA}` };
  return {
    ok: true,
    value: { kind: "spec", spec: { name, language, summary: fields.get("SUMMARY") ?? "", criteria } },
  };
}

/** The spec as the other roles are shown it. */
export function showSpec(spec: Spec): string {
  return shown(
    spec,
    spec.criteria.map((criterion) => `- ${criterion}`),
  );
}

/**
 * The spec with its criteria numbered as C1, C2, so that a plan and a review can refer to them. With `covers` only
 * those are shown, under the numbers they have in the whole; a task that covers none is shown them all.
 */
export function showNumberedSpec(spec: Spec, covers: readonly number[] = []): string {
  const numbered = spec.criteria.map((criterion, index) => ({
    number: index + 1,
    line: `C${index + 1}: ${criterion}`,
  }));
  const some = numbered.filter(({ number }) => covers.length === 0 || covers.includes(number));
  return shown(
    spec,
    some.map(({ line }) => line),
  );
}

function shown({ name, language, summary }: Spec, criteria: readonly string[]): string {
  return `NAME: ${name}\nLANGUAGE: ${language}\nSUMMARY: ${summary}\nCRITERIA:\n${criteria.join("\n")}`;
}
