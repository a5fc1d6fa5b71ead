import { EXIT, usageError } from "../base/errors.ts";
import type { Graph, Taken } from "../base/graph.ts";
import { allBuildEvents, type RecordedEvent } from "../journal/build-events.ts";
import type { Db } from "../store/database.ts";
import { listEffects } from "../store/effects.ts";
import { drawGraph } from "../workflows/draw-graph.ts";
import { GRAPHS } from "../workflows/graphs.ts";
import { chosenBuild } from "./chosen-build.ts";
import { commandContext } from "./context.ts";
import { tasksOf } from "./debug-tasks.ts";
import { newestBuild } from "../store/newest-builds.ts";
import type { Output } from "./output.ts";
import { connect, connectRunning } from "./worker-client.ts";

type Drawn = { readonly graph: Graph; readonly path: readonly Taken[]; readonly build?: string };

/**
 * `atos debug --graph [GRAPH|TASK]`: a graph as Mermaid, with the path that a build, or one task of it, took. Without a
 * name the build's. A graph that no build is named for is drawn plain where no worker runs: it needs none.
 */
export async function runDebugGraph(
  name: string = "build",
  flags: { readonly build?: string },
  output: Output,
): Promise<number> {
  const { graph, path, build } = await findDrawn(name, flags.build, output);
  const mermaid = drawGraph(graph, path);
  output.emit({ graph: graph.name, ...(build === undefined ? {} : { build }), path, mermaid });
  output.say(mermaid.trimEnd());
  return EXIT.done;
}

async function findDrawn(name: string, build: string | undefined, output: Output): Promise<Drawn> {
  const graph = GRAPHS.find((one) => one.name === name);
  const context = commandContext();
  if (graph !== undefined && build === undefined) {
    await using running = await connectRunning(context, { watches: true });
    const newest = running && (await chosenBuild(running.db, undefined).catch(() => undefined));
    return running === undefined || newest === undefined
      ? { graph, path: [] }
      : await takenIn(running.db, { id: newest.id, graph });
  }
  await using connection = await connect(context, output.note);
  const { db } = connection;
  const id = (build === undefined ? await newestBuild(db) : await chosenBuild(db, build))?.id;
  if (graph !== undefined && id !== undefined) return await takenIn(db, { id, graph });
  const tasks = id === undefined ? [] : tasksOf(await listEffects(db, id));
  if (id === undefined || !tasks.includes(name)) throw noSuchGraph(name, id, tasks);
  return taskGraph(await allBuildEvents(db, id), { id, task: name });
}

function noSuchGraph(name: string, build: string | undefined, tasks: readonly string[]): Error {
  const graphs = `there is no graph ${name}; there are ${GRAPHS.map((one) => one.name).join(", ")}`;
  const none = `nor is it a task of build ${build}, whose tasks with steps are ${tasks.join(", ") || "none yet"}`;
  return usageError("cli/no-such-task", build === undefined ? graphs : `${graphs}; ${none}`);
}

async function takenIn(db: Db, { id, graph }: { readonly id: string; readonly graph: Graph }): Promise<Drawn> {
  const events = await allBuildEvents(db, id);
  return { graph, build: id, path: edgesOf(events).filter((edge) => edge.graph === graph.name) };
}

/** A task's own graph, or of a stage before the tasks the graph that it goes by; else the build's. */
function taskGraph(
  events: readonly RecordedEvent[],
  { id, task }: { readonly id: string; readonly task: string },
): Drawn {
  const path = edgesOf(events).filter((edge) => edge.task === task);
  const graph = GRAPHS.find(({ name }) => name === path[0]?.graph) ?? GRAPHS.find(({ name }) => name === "build");
  if (graph === undefined) throw new Error("there is no graph of a build");
  if (path.length > 0) return { graph, path, build: id };
  return { graph, build: id, path: edgesOf(events).filter((edge) => edge.graph === graph.name) };
}

function edgesOf(events: readonly RecordedEvent[]) {
  return events.flatMap(({ event }) => (event.type === "edge-taken" ? [event] : []));
}
