export type Resident = { readonly modelId: string; readonly busy: boolean };

export type LoadPlan =
  | { readonly kind: "ready" }
  | { readonly kind: "load"; readonly evict: readonly string[] }
  | { readonly kind: "wait"; readonly blockedBy: readonly string[] };

/**
 * Decides how to make `modelId` usable when one model at a time may be loaded.
 *
 * Pure. A lease has a model to itself, so a busy one is waited for, the wanted one too; an idle
 * one that is in the way is evicted.
 */
export function planLoad(modelId: string, residents: readonly Resident[]): LoadPlan {
  const busy = residents.filter((resident) => resident.busy).map((resident) => resident.modelId);
  if (busy.length > 0) return { kind: "wait", blockedBy: busy };
  if (residents.some((resident) => resident.modelId === modelId)) return { kind: "ready" };
  return { kind: "load", evict: residents.map((resident) => resident.modelId) };
}
