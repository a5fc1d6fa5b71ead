import { setTimeout } from "node:timers/promises";
import { AtosError, EXIT, usageError } from "../base/errors.ts";
import { findBuild, setWish } from "../store/builds.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { chooseBuild } from "./resume.ts";
import { connect } from "./worker-client.ts";

const POLL_MS = 100;
const MAX_POLLS = 600;

/** `atos cancel [ID]`: ends a build for good. What it recorded stays; nothing is delivered any more. */
export async function runCancelCommand(id: string | undefined, output: Output): Promise<number> {
  await using connection = await connect(commandContext(), output.note);
  const { db } = connection;
  const build = await chooseBuild(connection, id);
  if (!(await setWish(db, { id: build.id, wish: "cancel", at: new Date() }))) {
    throw usageError("cli/already-ended", `build ${build.id} has ended already: it is ${build.state}`);
  }
  for (let poll = 0; poll < MAX_POLLS; poll++) {
    const state = (await findBuild(db, build.id))?.state;
    if (state !== "queued" && state !== "running" && state !== "paused") {
      output.emit({ build: build.id, state });
      output.say(
        state === "cancelled"
          ? `build ${build.id} is cancelled`
          : `build ${build.id} ended before that: it is ${state ?? "gone"}`,
      );
      return EXIT.done;
    }
    await setTimeout(POLL_MS);
  }
  throw new AtosError(
    "cli/cancel-waits",
    `build ${build.id} did not end within a minute; the wish stays, see: atos status ${build.id}`,
  );
}
