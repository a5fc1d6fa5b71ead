import assert from "node:assert/strict";
import { test } from "node:test";
import { APPS_QUERY, recorded, UUID_3050, UUID_A40 } from "../../../test/fixtures/recorded-devices.ts";
import { machineIo } from "./device-io.ts";
import { MIB } from "./device-reading.ts";
import { measureProcesses, neededSystemBytes } from "./measure-processes.ts";

const never = new AbortController().signal;

/** Node with a library, weights in two mappings of which one page was changed, and memory of its own. */
const SMAPS = `55fc153ca000-55fc153d0000 r--p 00000000 fe:00 1234                       /usr/bin/node
Size:              40960 kB
Rss:               40960 kB
Pss:               20480 kB
Anonymous:             0 kB
55fc153d0000-55fc153e0000 r-xp 00006000 fe:00 1234                       /usr/bin/node
Rss:               20480 kB
Anonymous:             0 kB
7f0000000000-7f0010000000 r--s 00000000 fe:00 777                        /models/with space (deleted).gguf
Rss:              102400 kB
Anonymous:             0 kB
7f0010000000-7f0020000000 rw-p 10000000 fe:00 777                        /models/with space (deleted).gguf
Rss:                2048 kB
Anonymous:          1024 kB
7f0020000000-7f0030000000 rw-p 00000000 00:00 0 
Rss:              307200 kB
Anonymous:        307200 kB
VmFlags: rd wr mr mw me ac sd
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
Rss:                 128 kB
Anonymous:           128 kB
`;

test("a process is measured by what is its own, its mapped data, and its memory on each GPU", async () => {
  const io = recorded({
    files: { "/proc/41/smaps": SMAPS, "/proc/42/smaps": SMAPS },
    commands: {
      [APPS_QUERY]: `41, ${UUID_3050}, 1012
41, ${UUID_A40}, 500
42, ${UUID_3050}, [N/A]
99, ${UUID_3050}, 2000
`,
    },
  });
  const measured = await measureProcesses([41, 42, 43], io, never);
  const memory = { anonymousBytes: (307_200 + 128 + 1024) * 1024, mappedBytes: (102_400 + 1024) * 1024 };
  assert.deepEqual(
    [...measured],
    [
      [
        41,
        {
          ...memory,
          gpuBytes: new Map([
            [UUID_3050, 1012 * MIB],
            [UUID_A40, 500 * MIB],
          ]),
        },
      ],
      [42, { ...memory, gpuBytes: new Map() }],
    ],
  );
});

test("without nvidia-smi nothing is known of GPUs, and on a Mac nothing of processes", async () => {
  const files = { "/proc/41/smaps": SMAPS };
  const measured = await measureProcesses([41], recorded({ files }), never);
  assert.deepEqual(measured.get(41)?.gpuBytes, new Map());
  assert.deepEqual(await measureProcesses([41], recorded({ files, platform: "darwin" }), never), new Map());
});

test("a process that can't be read is left out", async () => {
  const files = { "/proc/41/smaps": "", "/proc/42/smaps": "Permission denied" };
  assert.deepEqual(await measureProcesses([41, 42], recorded({ files }), never), new Map());
});

test("a real process has memory of its own, where that can be read", async () => {
  const measured = (await measureProcesses([process.pid], machineIo, never)).get(process.pid);
  if (process.platform === "linux") assert.ok((measured?.anonymousBytes ?? 0) > MIB);
  else assert.equal(measured, undefined);
});

test("weights that were copied count once, and those read where they are mapped count as mapped", () => {
  const expected = { weightsBytes: 1000 * MIB, otherBytes: 300 * MIB };
  const needed = (anonymous: number, mapped: number): number =>
    neededSystemBytes({ anonymousBytes: anonymous * MIB, mappedBytes: mapped * MIB }, expected) / MIB;
  // Nothing copied, as estimated, and with more of its own than estimated.
  assert.equal(needed(300, 1000), 1300);
  assert.equal(needed(450, 1000), 1450);
  assert.equal(needed(200, 1000), 1200);
  // More of the file is mapped than serves here: the rest is on a GPU.
  assert.equal(needed(300, 5000), 1300);
  // All copied, most copied, all copied and more of its own, and copied after the system took the pages back.
  assert.equal(needed(1300, 1000), 1300);
  assert.equal(needed(1100, 1000), 1300);
  assert.equal(needed(1500, 1000), 1500);
  assert.equal(needed(1300, 0), 1300);
});
