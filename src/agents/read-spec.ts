import { findLanguage, type LanguageId } from "../tools/language.ts";
import { keyLine, type Read, replyLines } from "./read.ts";

export type Spec = {
  readonly name: string;
  readonly language: LanguageId;
  readonly summary: string;
  /** What must be true of the result, each of them checkable by a test. */
  readonly criteria: readonly string[];
};

export type SpecReply =
  | { readonly kind: "spec"; readonly spec: Spec }
  | { readonly kind: "refused"; readonly why: string };

const MAX_CRITERIA = 12;

/** Reads the product manager's reply: `NAME`, `LANGUAGE`, `SUMMARY`, `CRITERIA` lines, or one `REFUSE` line. Pure. */
export function readSpec(reply: string): Read<SpecReply> {
  const fields = new Map<string, string>();
  const criteria: string[] = [];
  let inCriteria = false;
  for (const line of replyLines(reply)) {
    const item = /^\s*(?:[-*•]|\d+[.)])\s+(.*\S)\s*$/.exec(line)?.[1];
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
  return checkSpec(fields, criteria);
}

function checkSpec(fields: ReadonlyMap<string, string>, criteria: readonly string[]): Read<SpecReply> {
  const missing = ["NAME", "LANGUAGE", "SUMMARY"].filter((key) => (fields.get(key) ?? "") === "");
  if (missing.length > 0) return { ok: false, why: `the reply lacks ${missing.join(", ")}` };
  const name = fields.get("NAME") ?? "";
  if (!/^[A-Za-z][\w-]{0,63}$/.test(name))
    return {
      ok: false,
      why: `NAME must be one word of letters, digits, _ and -, not ${JSON.stringify(name.slice(0, 80))}`,
    };
  const language = findLanguage(fields.get("LANGUAGE") ?? "");
  if (language === undefined)
    return {
      ok: false,
      why: `LANGUAGE must be python or typescript, not ${JSON.stringify((fields.get("LANGUAGE") ?? "").slice(0, 40))}`,
    };
  if (criteria.length === 0) return { ok: false, why: "CRITERIA has no lines that start with -" };
  if (criteria.length > MAX_CRITERIA)
    return { ok: false, why: `${criteria.length} criteria are more than ${MAX_CRITERIA}` };
  return {
    ok: true,
    value: { kind: "spec", spec: { name, language: language.id, summary: fields.get("SUMMARY") ?? "", criteria } },
  };
}

/** The spec as the other roles are shown it. */
export function showSpec(spec: Spec): string {
  const criteria = spec.criteria.map((criterion) => `- ${criterion}`).join("\n");
  return `NAME: ${spec.name}\nLANGUAGE: ${spec.language}\nSUMMARY: ${spec.summary}\nCRITERIA:\n${criteria}`;
}
