import { type ClosedDomain, describeDomain } from "../agents/closed-domain.ts";
import { type AtosError, missingError } from "../base/errors.ts";
import { namedLanguages } from "../tools/find-language.ts";
import type { Language } from "../tools/language.ts";

/** Names of languages that a goal may hold as ordinary words. */
const ORDINARY = ["go", "node"];

/** Why a goal was refused, what can be done, and how to get a model that can do more. Pure. */
export function outsideDomain(goal: string, domain: ClosedDomain, languages: readonly Language[]): AtosError {
  const why = languageReason(goal, domain, languages) ?? "this goal is outside what the built-in model can do";
  return missingError(
    "workflows/outside-domain",
    `${why}. It is atos-nano, a tiny model for a closed domain:\n${describeDomain(domain)}\n` +
      `For anything else set up a real model:\n${REAL_MODEL}`,
  );
}

/** The language that the goal asks for and that can't be had, or the several, and which can; undefined where that is not why. */
function languageReason(goal: string, domain: ClosedDomain, languages: readonly Language[]): string | undefined {
  const plainly = namedLanguages(goal, languages, ORDINARY);
  const named = languages.filter(
    (language) =>
      plainly.includes(language) || new RegExp(`(?<=\\w\\s+)${RegExp.escape(language.name)}(?!\\w)`, "u").test(goal),
  );
  const isPossible = ({ id }: Language): boolean => Object.hasOwn(domain.languages, id);
  const possible = listed(languages.filter(isPossible), "disjunction");
  const others = named.filter((language) => !isPossible(language));
  if (others.length > 0)
    return `this goal asks for ${listed(others, "conjunction")}, and the built-in model writes ${possible} only`;
  if (named.length > 1)
    return `this goal asks for ${listed(named, "conjunction")}, and a build of the built-in model has one language: ${possible}`;
  return undefined;
}

function listed(languages: readonly Language[], type: "conjunction" | "disjunction"): string {
  return new Intl.ListFormat("en-GB", { type }).format(languages.map(({ name }) => name));
}

/** Why a goal inside the domain was refused all the same; `why` is what was wrong with the model's last try. */
export function beyondModel(why: string): AtosError {
  return missingError(
    "workflows/beyond-model",
    `the built-in model knows such functions, but did not get this goal right (its last try: ${why}). Say it more plainly, a common name for the function often helps, or set up a real model:\n${REAL_MODEL}`,
  );
}

const REAL_MODEL =
  "  a server (Ollama, vLLM, llama.cpp, LM Studio):  atos build … --model http://127.0.0.1:11434/v1#qwen2.5-coder:7b\n" +
  "  a GGUF file:                                    atos build … --model ./qwen2.5-coder-7b-instruct-q4_k_m.gguf\n" +
  "  once and for all:                               ATOS_MODEL, or model: in the settings file (atos config show)";
