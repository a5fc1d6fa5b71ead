import type { BuildEvent } from "../base/events.ts";
import { AtosError, EXIT } from "../base/errors.ts";
import type { Step } from "../base/run-graph.ts";
import type { Work } from "./build-work.ts";
import { lookAtRepository } from "./repository.ts";
import type { Strand } from "./strand.ts";

/** First of all, so that the receipt names the very files that were used. */
export async function startBuild(strand: Strand, work: Work): Promise<Step<Work>> {
  const { build } = strand;
  const { roster, goal, unsafe } = build.request;
  const found = await strand
    .effect({ name: "start", kind: "workspace", task: "start", input: { models: roster.models } }, async () => {
      const sandbox = await build.deps.openSandbox(unsafe);
      const models = await Promise.all(roster.models.map((source) => build.deps.identify(source)));
      await build.tryFirstModel();
      const started: BuildEvent = {
        type: "build-started",
        goal,
        models: models.map((model) => model.id),
        sandbox: sandbox.level,
      };
      return { result: models, events: [started] };
    })
    .catch(unfit);
  if (found instanceof AtosError) return refused(work, found);
  // Whatever the limit: what is delivered goes on from it.
  const repository = await lookAtRepository(strand.unlimited()).catch(unfit);
  if (repository instanceof AtosError) return refused(work, repository);
  return { on: "ready", state: { ...work, models: found, repository } };
}

/** Nothing is done yet, so there is nothing to keep and to resume: the build ends here. */
function unfit(error: unknown): AtosError {
  if (error instanceof AtosError && error.exitCode !== EXIT.failed) return error;
  throw error;
}

function refused(work: Work, { message: why, exitCode }: AtosError): Step<Work> {
  return { on: "missing", state: { ...work, refused: { why, exitCode } } };
}
