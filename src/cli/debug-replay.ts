import { EXIT } from "../base/errors.ts";
import { Workspaces } from "../journal/workspaces.ts";
import { replayBuild } from "../workflows/replay-build.ts";
import { chosenBuild } from "./chosen-build.ts";
import { commandContext } from "./context.ts";
import { interrupted } from "./interrupted.ts";
import type { Output } from "./output.ts";
import { connect } from "./worker-client.ts";

/** `atos debug --replay`: does a finished build come to the same commit again, by its journal alone? */
export async function runDebugReplay(flags: { readonly build?: string }, output: Output): Promise<number> {
  const context = commandContext();
  await using connection = await connect(context, output.note);
  const { db } = connection;
  const build = await chosenBuild(db, flags.build);
  const workspaces = Workspaces.look(context.folder.workspaces);
  const replay = await replayBuild({ db, workspaces }, build, interrupted());
  output.emit({ build: build.id, ...replay });
  if (replay.kind === "same") {
    const { turns, commit, receiptCommit } = replay;
    output.say(
      `build ${build.id}: same commit ${commit}, same receipt ${receiptCommit}; ${turns} turns from the journal, no model asked`,
    );
    return EXIT.done;
  }
  output.say(`build ${build.id} differs: ${replay.why}`);
  return EXIT.failed;
}
