import type { Installation } from "../fixtures/atos.ts";
import { code, goodLines, type Line, type TaskPlan, withLines, writeCuedTeam } from "../fixtures/cued-team.ts";

/** A build of the campaign: what it is asked for, and by what arguments. */
export type CampaignGoal = {
  readonly name: string;
  /** Arguments of `atos build`, but for `--out`. Writes the models that are its own: asked once for each installation. */
  readonly args: (atos: Installation) => readonly string[];
};

const WRONG = 0;
const REPAIR = "That did not pass";
const AGAIN = "Tried before, and failed";

const DIAMOND: readonly TaskPlan[] = [
  { id: "base" },
  { id: "left", after: "base" },
  { id: "right", after: "base" },
  { id: "join", after: "left, right" },
];
const BROKEN: readonly TaskPlan[] = [{ id: "base" }, { id: "beside" }, { id: "top", after: "base" }];

export const CAMPAIGN_GOALS: readonly CampaignGoal[] = [
  nano(
    "pair",
    "Write a Python function add_numbers that adds two numbers and a function is_even that checks whether a number is even",
  ),
  // Repaired, drawn again, handed over to the stronger model, and merged.
  scripted("diamond", (atos) =>
    writeCuedTeam(
      atos.path("diamond"),
      { all: goodLines(...DIAMOND), simple: struggling() },
      {
        name: "diamond",
      },
    ),
  ),
  // Green by themselves and red together.
  scripted("clash", (atos) => writeCuedTeam(atos.path("clash"), clashing(), { name: "clash" })),
  nano(
    "four",
    "Write a TypeScript function isEven that checks whether a number is even, a function flipText that reverses a string, a function larger that returns the larger of two numbers and a function shout that converts a string to upper case",
  ),
  // One task stays red, so that another is skipped, and what is delivered is red.
  scripted("broken", (atos) =>
    writeCuedTeam(
      atos.path("broken"),
      withLines(goodLines(...BROKEN), { role: "developer", task: "base", says: code("base", WRONG) }),
      { name: "broken" },
    ),
  ),
];

function nano(name: string, goal: string): CampaignGoal {
  return { name, args: () => [goal, "--deterministic"] };
}

function scripted(name: string, rosterIn: (atos: Installation) => string): CampaignGoal {
  return { name, args: (atos) => ["Write a demo", "--roster", rosterIn(atos)] };
}

function struggling(): readonly Line[] {
  const right = (task: string, seeing: string, says: string): Line => ({ role: "developer", task, seeing, says });
  return [
    right("left", REPAIR, code("left", 2)),
    right("right", AGAIN, code("right", 3)),
    { role: "developer", task: "base", says: code("base", 1) },
    ...["left", "right", "join"].map((task): Line => ({ role: "developer", task, says: code(task, WRONG) })),
  ];
}

function clashing(): readonly Line[] {
  const tasks: readonly TaskPlan[] = [{ id: "alpha" }, { id: "beta" }];
  const shared = (name: string, number: number): string =>
    code(name, 'int(os.environ["NUMBER"])', "import os", `os.environ.setdefault("NUMBER", "${number}")`, "");
  return [
    ...withLines(
      goodLines(...tasks),
      { role: "developer", task: "alpha", says: shared("alpha", 1) },
      { role: "developer", task: "beta", says: shared("beta", 2) },
    ),
    { role: "integrator", says: code("alpha", 1) + code("beta", 2) },
  ];
}
