import type { Spec } from "../agents/read-spec.ts";
import type { ModelIdentity } from "../engine/model.ts";
import { type Asking, FIRST_ASKING, type Reviewed } from "./ask-plan.ts";
import type { WorkPackage } from "./decompose.ts";
import type { BuildResult } from "./deliver-build.ts";
import type { Beginning, FrozenTests } from "./freeze-tests.ts";
import type { Merging } from "./merge-tasks.ts";
import type { Repository } from "./repository.ts";
import type { Commit, TaskResult } from "./run-tasks.ts";
import type { Verification } from "./verify-build.ts";

/** What the stages left behind so far. */
export type Work = {
  readonly models: readonly ModelIdentity[];
  readonly repository: Repository | undefined;
  readonly spec: Spec | undefined;
  readonly parts: readonly Spec[];
  readonly packages: readonly WorkPackage[];
  readonly beginning: Beginning | undefined;
  readonly tests: FrozenTests | undefined;
  readonly asking: Asking;
  readonly reviewed: Reviewed;
  readonly frozen: Commit | undefined;
  readonly results: readonly TaskResult[];
  readonly merging: Merging | undefined;
  readonly verification: Verification | undefined;
  /** Why the build stopped before its end, if it did. */
  readonly stopped: string | undefined;
  readonly refused: { readonly why: string; readonly exitCode: number } | undefined;
  readonly result: BuildResult | undefined;
};

export const NOTHING: Work = {
  models: [],
  repository: undefined,
  spec: undefined,
  parts: [],
  packages: [],
  beginning: undefined,
  tests: undefined,
  asking: FIRST_ASKING,
  reviewed: "not asked",
  frozen: undefined,
  results: [],
  merging: undefined,
  verification: undefined,
  stopped: undefined,
  refused: undefined,
  result: undefined,
};
