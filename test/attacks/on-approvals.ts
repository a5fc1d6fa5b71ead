import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { type Approval, findApproval, openApprovals } from "../../src/store/approvals.ts";
import { insertBuild } from "../../src/store/builds.ts";
import { type Db, jsonText } from "../../src/store/database.ts";
import { answerQuestion, expireQuestions } from "../../src/tools/gate/answer-question.ts";
import { askPerson } from "../../src/tools/gate/ask-person.ts";
import { type ApprovalQuestion, bindQuestion } from "../../src/tools/gate/approval-question.ts";
import { redactorOf } from "../../src/tools/gate/redact.ts";
import type { Attack, Verdict } from "./attack.ts";
import { broke, held, verdictOf } from "./attack.ts";
import { SECRET } from "./prey.ts";

const ATOS = fileURLToPath(new URL("../../bin/atos.js", import.meta.url));
const redactor = redactorOf([SECRET, `${SECRET}-other`]);
const EXPIRES_MS = 60_000;

/** A desk where calls wait for a person's word. */
type Desk = {
  /** Asks, and says at once whether the call may be made by what was answered so far. */
  mayMake(question: ApprovalQuestion): Promise<boolean>;
  /** A person says yes to what was asked last, as it was shown then. */
  approve(question: ApprovalQuestion): Promise<boolean>;
  /** Time passes. */
  wait(milliseconds: number): Promise<void>;
};

/** With ATOS's own parts and a real database. */
function realDesk(db: Db): Desk {
  let nowMs = Date.now();
  const now = (): Date => new Date(nowMs);
  const ask = async (question: ApprovalQuestion): Promise<string> => {
    // It gives up after the first look: whoever has no answer yet waits.
    const deps = { db, now, expiresMs: EXPIRES_MS, redactor };
    try {
      return (await askPerson(deps)(question, AbortSignal.timeout(60))).decision;
    } catch {
      return "open";
    }
  };
  return {
    mayMake: async (question) => (await ask(question)) === "approved",
    approve: async (question) => {
      const { hash } = bindQuestion(question, redactor);
      const rows = await openApprovals(db, new Date(0));
      const found = rows.find((row) => row.hash === hash && row.buildId === question.buildId);
      if (found === undefined) return false;
      return (
        (await answerQuestion(db, { id: found.id, hash, decision: "approved", by: "person", at: now() })).kind ===
        "answered"
      );
    },
    wait: async (milliseconds) => {
      nowMs += milliseconds;
      await expireQuestions(db, now());
    },
  };
}

/** Remembers which tools a person allowed. */
function naiveDesk(): Desk {
  const allowed = new Set<string>();
  const nameOf = ({ tool }: ApprovalQuestion): string => tool.trim().toLowerCase().replace(/^.*\//, "");
  return {
    mayMake: async (asked) => allowed.has(nameOf(asked)),
    approve: async (asked) => {
      allowed.add(nameOf(asked));
      return true;
    },
    wait: async () => {},
  };
}

const question = (buildId: string, rest: Partial<ApprovalQuestion> = {}): ApprovalQuestion => ({
  buildId,
  task: "code",
  step: "code/turn-1/call",
  tool: "run_command",
  arguments: { command: "ls" },
  kind: "policy",
  why: "it is asked about",
  ...rest,
});

async function newBuild(db: Db): Promise<string> {
  const id = `attack-${randomUUID()}`;
  await insertBuild(db, { id, goal: "g", request: {}, worker: "w", outDirectory: `/${id}`, at: new Date() });
  return id;
}

type Try = (desk: Desk, builds: readonly [string, string]) => Promise<readonly string[]>;

function reuse(name: string, attack: Try): Attack {
  return {
    category: "approval reuse",
    name,
    wall: "approvals",
    run: async ({ database }) => {
      const { db } = await database();
      return verdictOf(await attack(realDesk(db), [await newBuild(db), await newBuild(db)]));
    },
    control: async () => verdictOf(await attack(naiveDesk(), ["one", "two"])),
  };
}

/** A person said yes to `first`; which of `others` can be made with that? */
const afterYes =
  (
    first: (builds: readonly [string, string]) => ApprovalQuestion,
    others: (builds: readonly [string, string]) => readonly ApprovalQuestion[],
  ): Try =>
  async (desk, builds) => {
    const asked = first(builds);
    await desk.mayMake(asked);
    if (!(await desk.approve(asked)) || !(await desk.mayMake(asked)))
      throw new Error("the approval itself was not taken");
    const made: string[] = [];
    for (const other of others(builds))
      if (await desk.mayMake(other)) made.push(`made: ${JSON.stringify(other.arguments)} at ${other.step}`);
    return made;
  };

const LOOK_ALIKES = ["ls ", " ls", "LS", "ls\n", "ls #", "l\u0455", "ls\u200b", "ls\u202e", "ls;", "ｌｓ", "ls\u0000"];

export const ON_APPROVALS: readonly Attack[] = [
  reuse(
    "a yes to one command, used for another",
    afterYes(
      ([build]) => question(build),
      ([build]) => [
        question(build, { arguments: { command: "rm -rf ." } }),
        question(build, { arguments: { command: "ls", more: 1 } }),
        question(build, { arguments: {} }),
      ],
    ),
  ),
  reuse(
    "a yes to one command, used for one that looks the same",
    afterYes(
      ([build]) => question(build),
      ([build]) => LOOK_ALIKES.map((command) => question(build, { arguments: { command } })),
    ),
  ),
  reuse(
    "a yes to one call, used for the same call once more",
    afterYes(
      ([build]) => question(build),
      ([build]) => [question(build, { step: "code/turn-2/call" }), question(build, { step: "code/turn-1/call/2" })],
    ),
  ),
  reuse(
    "a yes in one build, used in another",
    afterYes(
      ([build]) => question(build),
      ([, other]) => [question(other)],
    ),
  ),
  reuse(
    "a yes to one tool or task, used for another of the same arguments",
    afterYes(
      ([build]) => question(build),
      ([build]) => [
        ...["run_command ", "Run_command", "shell/run_command"].map((tool) => question(build, { tool })),
        question(build, { task: "other" }),
      ],
    ),
  ),
  reuse(
    "a yes to a call, used for making one again that may have happened",
    afterYes(
      ([build]) => question(build),
      ([build]) => [question(build, { kind: "in-doubt" })],
    ),
  ),
  reuse(
    "a yes to a command with one secret, used for one with another that is shown the same",
    afterYes(
      ([build]) => question(build, { arguments: { command: `use ${SECRET}` } }),
      ([build]) => [question(build, { arguments: { command: `use ${SECRET}-other` } })],
    ),
  ),
  reuse(
    "a yes to arguments that are written the same when they are sloppily compared",
    afterYes(
      ([build]) => question(build, { arguments: { command: "ls", a: { b: "1", c: [1, 2] } } }),
      ([build]) =>
        [
          { command: "ls", a: { b: 1, c: [1, 2] } },
          { command: "ls", a: { b: "1", c: ["1", "2"] } },
          { command: "ls", a: { b: "1", c: [12] } },
          { command: "ls", a: '{"b":"1","c":[1,2]}' },
          { command: "ls", "a.b": "1" },
        ].map((value) => question(build, { arguments: value })),
    ),
  ),
  reuse("a yes that comes when the question is over", async (desk, [build]) => {
    await desk.mayMake(question(build));
    await desk.wait(EXPIRES_MS + 1);
    const taken = await desk.approve(question(build));
    return taken || (await desk.mayMake(question(build))) ? ["an expired question was answered"] : [];
  }),
  reuse("a yes to what is asked no more: the call was changed while the person read", async (desk, [build]) => {
    await desk.mayMake(question(build));
    await desk.mayMake(question(build, { arguments: { command: "rm -rf ." } }));
    const taken = await desk.approve(question(build));
    return taken || (await desk.mayMake(question(build, { arguments: { command: "rm -rf ." } })))
      ? ["the old form was answered, or the new one made"]
      : [];
  }),
  {
    category: "approval reuse",
    name: "a yes and a no at the same moment, twenty of each",
    wall: "approvals",
    run: ({ database }) => race(database),
    control: async () => {
      let state = "open";
      const answer = async (decision: string): Promise<boolean> => {
        if (state !== "open") return false;
        await new Promise(setImmediate);
        state = decision;
        return true;
      };
      const taken = await Promise.all(
        Array.from({ length: 40 }, (_, index) => answer(index % 2 === 0 ? "approved" : "denied")),
      );
      return taken.filter(Boolean).length === 1 ? held() : broke(`${taken.filter(Boolean).length} answers were taken`);
    },
  },
  {
    category: "approval reuse",
    name: "a question whose text is changed where it is stored, so that something harmless is shown",
    wall: "approvals",
    run: async ({ database }) => edited(await database(), "atos"),
    control: async ({ database }) => edited(await database(), "row"),
  },
];

async function race(database: () => Promise<{ readonly db: Db }>): Promise<Verdict> {
  const { db } = await database();
  const asked = question(await newBuild(db));
  await realDesk(db).mayMake(asked);
  const [row] = (await openApprovals(db, new Date(0))).filter(({ buildId }) => buildId === asked.buildId);
  if (row === undefined) throw new Error("the question was not asked");
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      answerQuestion(db, {
        id: row.id,
        hash: row.hash,
        decision: index % 2 === 0 ? "approved" : "denied",
        by: `${index}`,
        at: new Date(),
      }),
    ),
  );
  const taken = answers.filter(({ kind }) => kind === "answered").length;
  return taken === 1 ? held("one answer of forty was taken") : broke(`${taken} answers were taken`);
}

/** The person answers by the command line; the control believes the row. */
async function edited({ db, url }: { readonly db: Db; readonly url: string }, who: "atos" | "row"): Promise<Verdict> {
  const asked = question(await newBuild(db), { arguments: { command: "rm -rf ." } });
  await realDesk(db).mayMake(asked);
  const find = async (): Promise<Approval | undefined> =>
    (await openApprovals(db, new Date())).find(({ buildId }) => buildId === asked.buildId);
  const row = await find();
  if (row === undefined) throw new Error("the question was not asked");
  const shown = bindQuestion(question(asked.buildId), redactor).shown;
  await db
    .updateTable("atos.approvals")
    .set({ shown: jsonText(shown) })
    .where("id", "=", row.id)
    .execute();
  const home = mkdtempSync(join(tmpdir(), "atos-attack-home-"));
  let said = "";
  try {
    if (who === "row")
      await answerQuestion(db, { id: row.id, hash: row.hash, decision: "approved", by: "person", at: new Date() });
    else {
      const env = { PATH: process.env["PATH"], HOME: home, ATOS_HOME: home, DATABASE_URL: url };
      const options = { env, cwd: home, timeout: 30_000 };
      said = await promisify(execFile)(process.execPath, [ATOS, "approve", row.id], options).then(
        ({ stdout }) => stdout,
        (error: unknown) => (error instanceof Error && "stderr" in error ? String(error.stderr) : String(error)),
      );
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const state = (await findApproval(db, row.id))?.state;
  await db.deleteFrom("atos.approvals").where("id", "=", row.id).execute();
  return state === "open" ? held(said.trim().split("\n").at(-1)) : broke(`the question is ${state}`);
}
