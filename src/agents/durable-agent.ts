import { callTool, type Gate } from "../tools/gate/call-tool.ts";
import { type AskedTurn, recordedTurn, type Seat, type TurnDeps } from "./recorded-turn.ts";
import { type Agent, type AgentDeps, readTurn } from "./run-agent.ts";

type DurableRun = { readonly agent: Agent; readonly seat: Seat; readonly name: string; readonly begun?: number };

/**
 * What makes a run of an agent durable: every turn and every tool call is a recorded step, so that a run which was
 * cut off comes to the same place again by the same turns, and no call is made twice.
 *
 * `name` is unique within the build; it begins the names of the steps. For one run of `runAgent`, which may go on from
 * an earlier one under the same name: `begun` are the turns that there are already.
 */
export function durableAgent(
  deps: TurnDeps & { readonly gate: Gate },
  { agent, seat, name, begun = 0 }: DurableRun,
): AgentDeps {
  let turns = begun;
  const unusable: AskedTurn["unusable"] = (turn) => {
    const reading = readTurn(turn, agent);
    return turn.noRoom ?? (reading.kind === "invalid" ? reading.message : undefined);
  };
  return {
    takeTurn: async ({ state, options }, signal) => {
      const step = `${name}/turn-${++turns}`;
      const turn = await recordedTurn(deps, { seat, step, state, options, unusable }, signal);
      deps.spent?.(turn.usage);
      return turn;
    },
    callTool: async (call, signal) => {
      const { text } = await callTool(deps.gate, { step: `${name}/turn-${turns}/call`, ...call }, signal);
      return [{ part: "observation", text }];
    },
    // The turn's own step has told the trail.
    record: () => Promise.resolve(),
  };
}
