import type { Turnstile } from "../base/turnstile.ts";
import type { TurnDeps } from "../agents/recorded-turn.ts";
import type { ModelIdentity, ModelSource } from "../engine/model.ts";
import type { Workspaces } from "../journal/workspaces.ts";
import type { ModelPool } from "../pool/model-pool.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { QuestionDeps } from "../tools/gate/put-question.ts";
import type { OpenedTools, ToolsRequest } from "./open-tools.ts";

/** What the build workflow works with; `app.ts` provides it. */
export type BuildDeps = TurnDeps & {
  readonly pool: Pick<ModelPool, "lease" | "foresee" | "forget">;
  readonly workspaces: Workspaces;
  /** Folder for checkouts that live as long as one test run; emptied when the worker starts. */
  readonly scratchDirectory: string;
  /** @throws {AtosError} `sandbox/none` when nothing can confine code and `unsafe` is false. */
  readonly openSandbox: (unsafe: boolean) => Promise<Sandbox>;
  /** Gives an agent its tools, and a folder that they work in. */
  readonly openTools: (request: ToolsRequest, signal: AbortSignal) => Promise<OpenedTools>;
  /** Lets only so many checks of code run at once as the machine can do at once. */
  readonly checks: Turnstile;
  /** Tells somebody outside of a question, if that is set up. */
  readonly notify?: NonNullable<QuestionDeps["notify"]>;
  readonly identify: (source: ModelSource) => Promise<ModelIdentity>;
};
