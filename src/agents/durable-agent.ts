import { callTool, type Gate } from "../tools/gate/call-tool.ts";
import { type AskedTurn, recordedTurn, type Seat, type TurnDeps } from "./recorded-turn.ts";
import { type Agent, type AgentDeps, readTurn } from "./run-agent.ts";

/**
 * What makes a run of an agent durable: every turn and every tool call is a recorded step, so that a run which was
 * cut off comes to the same place again by the same turns, and no call is made twice.
 *
 * `name` is unique within the build; it begins the names of the steps. For one run of `runAgent`.
 */
export function durableAgent(
  deps: TurnDeps & { readonly gate: Gate },
  { agent, seat, name }: { readonly agent: Agent; readonly seat: Seat; readonly name: string },
): AgentDeps {
  let turns = 0;
  const unusable: AskedTurn["unusable"] = (turn) => {
    const reading = readTurn(turn, agent);
    return turn.noRoom ?? (reading.kind === "invalid" ? reading.message : undefined);
  };
  return {
    takeTurn: ({ state, options }, signal) =>
      recordedTurn(deps, { seat, step: `${name}/turn-${++turns}`, state, options, unusable }, signal),
    callTool: async (call, signal) => {
      const { text } = await callTool(deps.gate, { step: `${name}/turn-${turns}/call`, ...call }, signal);
      return [{ part: "observation", text }];
    },
    // The turn's own step has told the trail.
    record: () => Promise.resolve(),
  };
}
