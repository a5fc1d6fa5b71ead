import type { GgufTensorInfo } from "node-llama-cpp";

/**
 * Numbers in a block and bytes it takes, by the type's number in a file: `type_traits` of `ggml.c`.
 * Types that llama.cpp gave up (4, 5, 31 to 33, 36 to 38) are left out.
 */
const BLOCKS: ReadonlyMap<number, readonly [numbers: number, bytes: number]> = new Map([
  [0, [1, 4]],
  [1, [1, 2]],
  [2, [32, 18]],
  [3, [32, 20]],
  [6, [32, 22]],
  [7, [32, 24]],
  [8, [32, 34]],
  [9, [32, 36]],
  [10, [256, 84]],
  [11, [256, 110]],
  [12, [256, 144]],
  [13, [256, 176]],
  [14, [256, 210]],
  [15, [256, 292]],
  [16, [256, 66]],
  [17, [256, 74]],
  [18, [256, 98]],
  [19, [256, 50]],
  [20, [32, 18]],
  [21, [256, 110]],
  [22, [256, 82]],
  [23, [256, 136]],
  [24, [1, 1]],
  [25, [1, 2]],
  [26, [1, 4]],
  [27, [1, 8]],
  [28, [1, 8]],
  [29, [256, 56]],
  [30, [1, 2]],
  [34, [256, 54]],
  [35, [256, 66]],
  [39, [32, 17]],
  [40, [64, 36]],
  [41, [128, 18]],
  [42, [64, 18]],
]);

/** Bytes of a tensor's data; undefined for a type that is not known here. */
export function tensorBytes(tensor: GgufTensorInfo): number | undefined {
  const block = BLOCKS.get(tensor.ggmlType);
  return block === undefined ? undefined : (tensorElements(tensor) / block[0]) * block[1];
}

export function tensorElements(tensor: GgufTensorInfo): number {
  return tensor.dimensions.reduce<number>((product, dimension) => product * Number(dimension), 1);
}
