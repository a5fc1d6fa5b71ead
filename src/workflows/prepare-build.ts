import { readFile } from "node:fs/promises";
import { describeDomain, familiesOf, readClosedDomain } from "../agents/closed-domain.ts";
import { loadPromptSet } from "../agents/prompt-set.ts";
import { missingError } from "../base/errors.ts";
import type { BuildRequest } from "./build-request.ts";
import { checkGoal } from "./check-goal.ts";
import { checkOutDirectory } from "./check-out-directory.ts";
import { chooseRoster, type ModelChoice, OWN_PROMPTS } from "./choose-roster.ts";

export type BuildWish = {
  readonly goal: string;
  readonly out: string;
  readonly stateRoot: string;
  readonly choice: ModelChoice;
  readonly unsafe: boolean;
  readonly seed: number;
  readonly createdAtMs: number;
};

const MAX_FIX_ROUNDS = 2;

/**
 * Everything that can be found wrong with a build before anything is started or recorded, and
 * the request that decides it all when nothing is.
 *
 * @throws {AtosError} exit 2 for a wish that can be put right, exit 3 for a goal that the only
 *   model at hand can't do.
 */
export async function prepareBuild(wish: BuildWish): Promise<BuildRequest> {
  const goal = checkGoal(wish.goal);
  const outDirectory = await checkOutDirectory(wish.out, wish.stateRoot);
  const { roster, promptsDirectory, domainFile } = await chooseRoster(wish.choice);
  const families = domainFile === undefined ? undefined : await domainFamilies(goal, domainFile);
  const prompts = await loadPromptSet(promptsDirectory ?? OWN_PROMPTS);
  const { createdAtMs, seed, unsafe } = wish;
  return {
    goal,
    outDirectory,
    createdAtMs,
    seed,
    unsafe,
    maxFixRounds: MAX_FIX_ROUNDS,
    roster: { ...roster, models: [...roster.models] },
    prompts,
    ...(families === undefined ? {} : { families }),
  };
}

async function domainFamilies(goal: string, domainFile: string): Promise<string[]> {
  const domain = readClosedDomain(await readFile(domainFile, "utf8"));
  const families = familiesOf(goal, domain);
  if (families.length > 0) return [...families];
  throw outsideDomain(describeDomain(domain));
}

/** Why a goal was refused, what can be done, and how to get a model that can do more. */
export function outsideDomain(domain: string): Error {
  return missingError(
    "workflows/outside-domain",
    `this goal is outside what the built-in model can do. It is atos-nano, a tiny model for a closed domain:\n${domain}\n` +
      "For anything else set up a real model:\n" +
      "  a server (Ollama, vLLM, llama.cpp, LM Studio):  atos build … --model http://127.0.0.1:11434/v1#qwen2.5-coder:7b\n" +
      "  a GGUF file:                                    atos build … --model ./qwen2.5-coder-7b-instruct-q4_k_m.gguf\n" +
      "  once and for all:                               ATOS_MODEL, or model: in the settings file (atos config show)",
  );
}
