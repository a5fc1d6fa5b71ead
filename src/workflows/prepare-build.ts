import { readFile } from "node:fs/promises";
import { describeDomain, familiesOf, namedIn, readClosedDomain } from "../agents/closed-domain.ts";
import { loadPromptSet } from "../agents/prompt-set.ts";
import { type BuildRequest, WORKFLOW_VERSION } from "./build-request.ts";
import { checkGoal } from "./check-goal.ts";
import { checkOutDirectory } from "./check-out-directory.ts";
import { chooseRoster, type ModelChoice, OWN_PROMPTS } from "./choose-roster.ts";
import { outsideDomain } from "./outside-domain.ts";

export type BuildWish = {
  readonly goal: string;
  readonly out: string;
  readonly stateRoot: string;
  readonly choice: ModelChoice;
  readonly unsafe: boolean;
  readonly seed: number;
  readonly createdAtMs: number;
};

/** `notes` are what the person should know of the choice of models. */
export type PreparedBuild = { readonly request: BuildRequest; readonly notes: readonly string[] };

const MAX_FIX_ROUNDS = 2;

/**
 * Everything that can be found wrong with a build before anything is started or recorded, and
 * the request that decides it all when nothing is.
 *
 * @throws {AtosError} exit 2 for a wish that can be put right, exit 3 for a goal that the only
 *   model at hand can't do.
 */
export async function prepareBuild(wish: BuildWish): Promise<PreparedBuild> {
  const goal = checkGoal(wish.goal);
  const outDirectory = await checkOutDirectory(wish.out, wish.stateRoot);
  const { roster, promptsDirectory, domainFile, notes } = await chooseRoster(wish.choice);
  const domain = domainFile === undefined ? undefined : await closedDomain(goal, domainFile);
  const prompts = await loadPromptSet(promptsDirectory ?? OWN_PROMPTS);
  const { createdAtMs, seed, unsafe } = wish;
  const request = {
    workflowVersion: WORKFLOW_VERSION,
    goal,
    outDirectory,
    createdAtMs,
    seed,
    unsafe,
    maxFixRounds: MAX_FIX_ROUNDS,
    roster: { ...roster, models: [...roster.models] },
    prompts,
    ...(domain === undefined ? {} : { domain }),
  };
  return { request, notes };
}

async function closedDomain(goal: string, domainFile: string): Promise<NonNullable<BuildRequest["domain"]>> {
  const domain = readClosedDomain(await readFile(domainFile, "utf8"));
  const families = [...familiesOf(goal, domain)];
  if (families.length === 0) throw outsideDomain(describeDomain(domain));
  return { families, ...namedIn(goal, domain) };
}
