import { type AtosError, missingError, usageError } from "../../base/errors.ts";

type Environment = { readonly [name: string]: string | undefined };

/** All that a child needs of the environment; keys and other secrets stay with the parent. */
const KEPT_VARIABLES = [
  "PATH",
  "HOME",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
  "CUDA_VISIBLE_DEVICES",
  // By what the numbers before count.
  "CUDA_DEVICE_ORDER",
  "HIP_VISIBLE_DEVICES",
  "ROCR_VISIBLE_DEVICES",
  "GGML_VK_VISIBLE_DEVICES",
];

/**
 * From this size on glibc gives memory back when it is freed. Else it learns with each context that is closed to keep
 * ever larger ones: a model that was resized often took twice its caches.
 */
const GIVEN_BACK_BYTES = 4 * 2 ** 20;

/**
 * What a child gets of its parent's environment, with only `gpus` visible; none named is those the parent sees. Pure.
 *
 * A GPU is named by its number among those the parent sees, which is that of `nvidia-smi` or `rocm-smi` when no
 * variable of the parent limits them, or by its UUID. UUIDs are safer: CUDA, ROCm and Vulkan need not number
 * alike, and Vulkan, which knows no UUIDs, then sees what the parent sees.
 *
 * @throws `engine/bad-setting` for what is no name, `engine/no-gpu` for a number the parent does not see.
 */
export function childEnvironment(parent: Environment, gpus: readonly string[] = []): Environment {
  const kept = {
    ...Object.fromEntries(KEPT_VARIABLES.flatMap((name) => (parent[name] === undefined ? [] : [[name, parent[name]]]))),
    MALLOC_MMAP_THRESHOLD_: String(GIVEN_BACK_BYTES),
  };
  if (gpus.length === 0) return kept;
  checkNames(gpus);
  return { ...kept, ...cuda(parent, gpus), ...rocm(parent, gpus), ...vulkan(parent, gpus) };
}

function cuda(parent: Environment, gpus: readonly string[]): Environment {
  const CUDA_VISIBLE_DEVICES = gpus.map((gpu) => throughList(parent, "CUDA_VISIBLE_DEVICES", gpu)).join(",");
  // Else CUDA counts from its fastest GPU on. A list of the parent's was counted by the parent's order.
  const order = parent["CUDA_VISIBLE_DEVICES"] === undefined ? { CUDA_DEVICE_ORDER: "PCI_BUS_ID" } : {};
  return { CUDA_VISIBLE_DEVICES, ...order };
}

/** HIP counts what ROCr leaves visible, and only ROCr takes UUIDs. */
function rocm(parent: Environment, gpus: readonly string[]): Environment {
  if (gpus.every(isNumber))
    return { HIP_VISIBLE_DEVICES: gpus.map((gpu) => throughList(parent, "HIP_VISIBLE_DEVICES", gpu)).join(",") };
  const ROCR_VISIBLE_DEVICES = gpus.map((gpu) => {
    return throughList(parent, "ROCR_VISIBLE_DEVICES", throughList(parent, "HIP_VISIBLE_DEVICES", gpu));
  });
  return { ROCR_VISIBLE_DEVICES: ROCR_VISIBLE_DEVICES.join(","), HIP_VISIBLE_DEVICES: [...gpus.keys()].join(",") };
}

function vulkan(parent: Environment, gpus: readonly string[]): Environment {
  if (!gpus.every(isNumber)) return {};
  const numbers = gpus.map((gpu) => throughList(parent, "GGML_VK_VISIBLE_DEVICES", gpu));
  return { GGML_VK_VISIBLE_DEVICES: numbers.join(",") };
}

/** What the parent's list calls its n-th GPU. A list ends, as its readers see it, before what is no GPU. */
function throughList(parent: Environment, variable: string, gpu: string): string {
  const list = parent[variable];
  if (list === undefined || !isNumber(gpu)) return gpu;
  const names = list.split(",").map((name) => name.trim());
  const end = names.findIndex((name) => !isName(name));
  const found = names.slice(0, end < 0 ? names.length : end)[Number(gpu)];
  if (found !== undefined) return found;
  const why = `the GPU ${gpu} is asked for, and ${variable}=${list} does not show so many`;
  throw missingError("engine/no-gpu", `${why}; change that variable, or load the model on another GPU`);
}

function checkNames(gpus: readonly string[]): void {
  const wrong = gpus.find((gpu) => !isName(gpu));
  if (wrong !== undefined) throw badGpus(`${JSON.stringify(wrong)} is neither the number nor the UUID of a GPU`);
  if (new Set(gpus).size < gpus.length) throw badGpus(`${gpus.join(", ")} names a GPU twice`);
}

function badGpus(why: string): AtosError {
  return usageError("engine/bad-setting", `the model can't be loaded like that: gpus: ${why}; change its settings`);
}

function isName(text: string): boolean {
  return isNumber(text) || /^(GPU|MIG)-[\w/-]+$/.test(text);
}

function isNumber(text: string): boolean {
  return /^(0|[1-9]\d{0,3})$/.test(text);
}
