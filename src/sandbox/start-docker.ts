import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { AtosError, messageOf } from "../base/errors.ts";
import type { DockerPlan } from "./docker-arguments.ts";
import { dockerArguments } from "./docker-arguments.ts";
import type { RunningCommand } from "./running-command.ts";
import { killIfThere, startChild } from "./running-command.ts";

const REMOVE_MS = 10_000;
const REMOVE_ATTEMPTS = 5;
const BETWEEN_MS = 200;

/** Starts one command in a container. The caller supervises it in the same turn of the event loop. */
export function startDocker(docker: string, plan: DockerPlan): RunningCommand {
  // The client finds the engine by these, and its settings in the home folder.
  const { HOME = "/", DOCKER_HOST, DOCKER_CONTEXT } = process.env;
  const env = { PATH: "/usr/bin:/bin", HOME, ...defined({ DOCKER_HOST, DOCKER_CONTEXT }) };
  const child = startChild(docker, dockerArguments(plan), { env, cwd: "/", extraPipes: 0 });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    throw new AtosError("sandbox/start", "The command could not be started: a pipe to it was not made.");
  }
  let killed = false;
  return {
    child,
    stdout,
    stderr,
    view: () => undefined,
    kill: () => {
      // After its end there is nothing to kill but the client.
      killed ||= child.exitCode === null && child.signalCode === null;
      if (child.pid !== undefined) killIfThere(-child.pid);
    },
    gone: async () => {
      if (killed) await remove(docker, plan.name, env);
    },
  };
}

/**
 * Kills and removes the container. The client may have been killed before the engine made it, so "there is none" is
 * believed only when it was said twice in a row.
 *
 * @throws `sandbox/survivor` when the engine does not do it.
 */
async function remove(docker: string, name: string, env: Readonly<Record<string, string>>): Promise<void> {
  let problem = "";
  let absent = 0;
  for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt++) {
    try {
      await promisify(execFile)(docker, ["rm", "--force", name], { env, timeout: REMOVE_MS });
      return;
    } catch (error) {
      problem = messageOf(error);
      absent = /no such container/i.test(problem) ? absent + 1 : 0;
      if (absent === 2) return;
    }
    await sleep(BETWEEN_MS);
  }
  throw new AtosError("sandbox/survivor", `The container ${name} could not be removed: ${problem.trim()}.`);
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
