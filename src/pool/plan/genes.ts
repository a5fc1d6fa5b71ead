import type { Board } from "./board.ts";
import type { LoadGene, Plan, WorkGene } from "./plan.ts";

/** A plan with its ids resolved on a board: what a search changes and a roll-out follows. */
export type Genes = {
  rule: Plan["rule"];
  patience: number;
  ahead: number;
  prefetch: boolean;
  strict: boolean;
  slots: Plan["slots"];
  room: number;
  firm: boolean;
  leaveRoom: boolean;
  keepPinned: boolean;
  evict: Plan["evict"];
  place: Plan["place"];
  /** By index of works and models. */
  readonly weights: Float64Array;
  readonly holds: Uint8Array;
  readonly models: Float64Array;
  loads: LoadGene[];
};

export function genesOf(plan: Plan, board: Board): Genes {
  const { works, models, loads, ...rules } = plan;
  const genes: Genes = {
    ...rules,
    weights: new Float64Array(board.works.length).fill(1),
    holds: new Uint8Array(board.works.length),
    models: new Float64Array(board.models.length).fill(1),
    loads: [...loads],
  };
  for (const work of board.works) {
    const gene = works.get(work.id);
    if (gene === undefined) continue;
    genes.weights[work.index] = gene.weight;
    genes.holds[work.index] = gene.hold ? 1 : 0;
  }
  for (const model of board.models) genes.models[model.index] = models.get(model.id) ?? 1;
  return genes;
}

export function planOf(genes: Genes, board: Board): Plan {
  const { weights, holds, models: modelWeights, loads, ...rules } = genes;
  const works = new Map<string, WorkGene>();
  for (const { id, index } of board.works) {
    const weight = weights[index] ?? 1;
    const hold = holds[index] === 1;
    if (weight !== 1 || hold) works.set(id, { weight, hold });
  }
  const models = new Map(board.models.map(({ id, index }) => [id, modelWeights[index] ?? 1]));
  return { ...rules, works, models, loads: [...loads] };
}

export function copyGenes(genes: Genes): Genes {
  return {
    ...genes,
    weights: genes.weights.slice(),
    holds: genes.holds.slice(),
    models: genes.models.slice(),
    loads: [...genes.loads],
  };
}
