import type { ToolEffect } from "../tool.ts";

export const DECISIONS = ["allow", "ask", "deny"] as const;
export type Decision = (typeof DECISIONS)[number];

/** All patterns of a rule must match; one that is absent matches everything. The last rule that matches decides. */
export type PolicyRule = {
  /** A tool's name, or `server/tool` (`mcp/server/tool` of an `mcp.json`); `*` stands for any characters. */
  readonly tool?: string;
  /**
   * A path of the workspace; `*` within one name, `**` across folders. Each path of a call is judged by itself, with
   * what is below it where the call reads or changes that too. Of a command it is compared with the words and
   * redirections, and can't allow it.
   */
  readonly path?: string;
  /** The words of a command; `*` is any one word or part of one, `**` at the end any number of words. */
  readonly command?: string;
  readonly decide: Decision;
  /** Told to the person who is asked and to the model that is refused. */
  readonly why?: string;
  /** Where it is written, for whoever looks for it, such as `policy.yaml, rule 2`. */
  readonly from?: string;
};

/** What a person must say yes to. What the sandbox permits is the other axis, and no rule widens it. */
export type Policy = {
  readonly rules: readonly PolicyRule[];
  /** For a command whose words can't be known. */
  readonly unparsed: "ask" | "deny";
  /** Rules by themselves, whose decision counts only where it is stricter: those of a workspace. */
  readonly stricter?: readonly PolicyRule[];
};

/** What a policy is asked about. */
export type PolicyQuestion = {
  readonly tool: string;
  readonly server: string;
  /** False for a server of an `mcp.json`, which may call itself what it likes. Absent: it is ATOS's own. */
  readonly own?: boolean;
  readonly effect: ToolEffect;
  readonly paths: readonly string[];
  /** It reads what is below its paths as well; without a path, the whole workspace. */
  readonly walks?: boolean;
  readonly command?: string;
};

export type Verdict = {
  readonly decision: Decision;
  /** The rule that decided, as a person would write it, or why there was none. */
  readonly because: string;
};

/** The stricter of two verdicts; of two alike the first. */
export function stricterVerdict(one: Verdict, other: Verdict): Verdict {
  return DECISIONS.indexOf(other.decision) > DECISIONS.indexOf(one.decision) ? other : one;
}
