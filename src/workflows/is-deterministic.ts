import type { BuildRequest } from "./build-request.ts";

/**
 * Whether the same request gives the same tree: all of its models are embedded ones that begin every reply anew. Pure.
 *
 * What else could differ between two such builds is left out of them: what this installation learned of its models,
 * and the order that Python chooses for sets anew each time.
 */
export function isDeterministic({ roster }: Pick<BuildRequest, "roster">): boolean {
  return roster.models.every((model) => model.kind === "gguf" && model.deterministic === true);
}
