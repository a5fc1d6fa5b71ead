import { readFile } from "node:fs/promises";
import { loadTeam } from "../agents/load-team.ts";
import type { Language } from "../tools/language.ts";
import { WORKFLOW_VERSION } from "../workflows/build-request.ts";
import type { ChosenRoster } from "../workflows/choose-roster.ts";
import { pinWords } from "../workflows/eval/pin-words.ts";
import type { EvalHeader } from "../workflows/eval/results-file.ts";
import type { EvalSuite } from "../workflows/eval/suite.ts";
import { type BuildWish, singleRole, teamPlaces } from "../workflows/prepare-build.ts";
import type { EvalOptions } from "./eval-options.ts";
import { pinModels } from "./eval-models.ts";

export type EvalAsked = {
  readonly suite: EvalSuite;
  readonly chosen: ChosenRoster;
  readonly languages: readonly Language[];
  readonly options: Pick<EvalOptions, "seed" | "ways">;
  readonly wish: Pick<BuildWish, "team" | "choice" | "stateRoot" | "effort">;
};

/** All that the results of an evaluation depend on, as it is at this moment. */
export async function evalHeader({ suite, chosen, languages, options, wish }: EvalAsked): Promise<EvalHeader> {
  const { roster, promptsDirectory, domainFile } = chosen;
  const { team } = await loadTeam(teamPlaces(wish, promptsDirectory));
  const domain = domainFile === undefined ? undefined : await readFile(domainFile, "utf8");
  return {
    type: "eval",
    version: 1,
    suite: suite.name,
    sha256: suite.sha256,
    ...(await pinModels(roster)),
    words: pinWords({ team, single: await singleRole(), languages, domain }),
    effort: effortText(wish),
    seed: options.seed,
    ways: options.ways,
  };
}

function effortText({ effort, team }: EvalAsked["wish"]): string {
  const { fixRounds, samples } = effort;
  return `${WORKFLOW_VERSION}${team === undefined ? "" : `, team ${team}`}, ${fixRounds.small} repairs (${fixRounds.large} from 14B), ${samples} samples`;
}
