import assert from "node:assert/strict";
import { test } from "node:test";
import { childEnvironment } from "./child-environment.ts";

const always = { MALLOC_MMAP_THRESHOLD_: "4194304" };
const UUID = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6";

test("keeps what a child needs and no more, and all GPUs the parent sees", () => {
  const parent = { PATH: "/bin", API_KEY: "secret", CUDA_VISIBLE_DEVICES: "1", ROCR_VISIBLE_DEVICES: "0" };
  const kept = { ...always, PATH: "/bin", CUDA_VISIBLE_DEVICES: "1", ROCR_VISIBLE_DEVICES: "0" };
  assert.deepEqual(childEnvironment(parent), kept);
  assert.deepEqual(childEnvironment(parent, []), kept);
});

test("shows the GPUs with these numbers, counted as nvidia-smi counts", () => {
  assert.deepEqual(childEnvironment({}, ["2", "0"]), {
    ...always,
    CUDA_VISIBLE_DEVICES: "2,0",
    CUDA_DEVICE_ORDER: "PCI_BUS_ID",
    HIP_VISIBLE_DEVICES: "2,0",
    GGML_VK_VISIBLE_DEVICES: "2,0",
  });
});

test("counts among what the parent sees, in the parent's order", () => {
  const parent = {
    CUDA_VISIBLE_DEVICES: `3, ${UUID}`,
    CUDA_DEVICE_ORDER: "FASTEST_FIRST",
    HIP_VISIBLE_DEVICES: "5,4",
    ROCR_VISIBLE_DEVICES: "0,1,2,3,4,5",
    GGML_VK_VISIBLE_DEVICES: "1,2",
  };
  assert.deepEqual(childEnvironment(parent, ["1", "0"]), {
    ...always,
    CUDA_VISIBLE_DEVICES: `${UUID},3`,
    CUDA_DEVICE_ORDER: "FASTEST_FIRST",
    HIP_VISIBLE_DEVICES: "4,5",
    ROCR_VISIBLE_DEVICES: "0,1,2,3,4,5",
    GGML_VK_VISIBLE_DEVICES: "2,1",
  });
});

test("shows a GPU by its UUID, which Vulkan does not know", () => {
  assert.deepEqual(childEnvironment({ GGML_VK_VISIBLE_DEVICES: "1" }, [UUID]), {
    ...always,
    CUDA_VISIBLE_DEVICES: UUID,
    CUDA_DEVICE_ORDER: "PCI_BUS_ID",
    ROCR_VISIBLE_DEVICES: UUID,
    HIP_VISIBLE_DEVICES: "0",
    GGML_VK_VISIBLE_DEVICES: "1",
  });
  const slice = "MIG-GPU-8932f937/1/0";
  assert.equal(childEnvironment({ CUDA_VISIBLE_DEVICES: "1" }, [slice])["CUDA_VISIBLE_DEVICES"], slice);
});

test("refuses a number that the parent does not see, whose list ends before what is no GPU", () => {
  for (const list of ["2", "2,-1,3", "", "NoDevFiles"])
    assert.throws(() => childEnvironment({ CUDA_VISIBLE_DEVICES: list }, ["1"]), {
      code: "engine/no-gpu",
      exitCode: 3,
      message: new RegExp(`GPU 1 is asked for, and CUDA_VISIBLE_DEVICES=${list} does not show so many`),
    });
});

test("refuses what names no GPU, or one twice", () => {
  for (const gpus of [["0,1"], [""], ["-1"], [" 0"], ["all"], ["01"], ["1", "1"]])
    assert.throws(() => childEnvironment({}, gpus), { code: "engine/bad-setting", exitCode: 2, message: /gpus: / });
});
