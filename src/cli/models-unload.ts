import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { AtosError, EXIT, usageError } from "../base/errors.ts";
import { askUnload, findUnloadAnswer, type UnloadAnswer, withdrawUnload } from "../store/unload-wishes.ts";
import { commandContext } from "./context.ts";
import { isLostConnection } from "./lost-connection.ts";
import type { Output } from "./output.ts";
import { connectRunning, type Connection } from "./worker-client.ts";

const POLL_MS = 100;
const ANSWER_MS = 30_000;

type Asked = { readonly connection: Pick<Connection, "db" | "workerId">; readonly model: string | undefined };
const NOTHING: UnloadAnswer = { unloaded: [], busy: [] };

/** `atos models unload [MODEL]`: asks the worker that runs to unload one model, or all that are idle. */
export async function runModelsUnloadCommand(model: string | undefined, output: Output): Promise<number> {
  await using connection = await connectRunning(commandContext(), { watches: false });
  const answer = connection === undefined ? NOTHING : await askWorker({ connection, model }, ANSWER_MS);
  if (model !== undefined && answer.unloaded.length + answer.busy.length === 0)
    throw usageError("cli/model-not-loaded", `no model called ${model} is loaded; what is: atos models ps`);
  output.emit(answer);
  output.say(unloadText(answer));
  return EXIT.done;
}

/**
 * Asks the worker to unload and waits for its answer.
 *
 * @throws {AtosError} `cli/unload-waits` when there is none in time; then it is asked no more.
 */
export async function askWorker({ connection, model }: Asked, limitMs: number): Promise<UnloadAnswer> {
  const { db, workerId } = connection;
  const id = randomBytes(8).toString("hex");
  try {
    await askUnload(db, { id, worker: workerId, model, at: new Date() });
    for (let waitedMs = 0; waitedMs < limitMs; waitedMs += POLL_MS) {
      const answer = await findUnloadAnswer(db, id);
      if (answer !== undefined) return answer;
      await setTimeout(POLL_MS);
    }
    await withdrawUnload(db, id);
  } catch (error) {
    // A worker that ends takes its models along.
    if (isLostConnection(error)) return NOTHING;
    throw error;
  }
  throw new AtosError(
    "cli/unload-waits",
    `the worker gave no answer within ${limitMs / 1000} s, and is asked no more; what is loaded: atos models ps`,
  );
}

/** What came of it, in sentences. Pure. */
function unloadText({ unloaded, busy }: UnloadAnswer): string {
  const lines = [
    ...(unloaded.length > 0 ? [`unloaded: ${unloaded.join(", ")}`] : []),
    ...busy.map((name) => `${name} is at work for a turn; it is unloaded when that ends`),
  ];
  return lines.length > 0 ? lines.join("\n") : "nothing is loaded";
}
