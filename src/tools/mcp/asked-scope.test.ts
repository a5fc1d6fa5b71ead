import assert from "node:assert/strict";
import { test } from "node:test";
import { askedScope, type ScopeSources } from "./asked-scope.ts";

const NOTHING: ScopeSources = { configured: undefined, wanted: undefined, supported: undefined, offered: undefined };

test("the file's scope and the server's wish come before what there is, and nothing is asked where nothing is known", () => {
  const asked = (sources: Partial<ScopeSources>) => askedScope({ ...NOTHING, ...sources });
  assert.deepEqual(
    [
      asked({}),
      asked({ supported: [] }),
      asked({ supported: ["read", "write"] }),
      asked({ supported: ["read", "write"], wanted: "read" }),
      asked({ supported: ["read", "write"], configured: "admin", wanted: "read admin" }),
      asked({ wanted: "read", offered: ["offline_access"] }),
      asked({ wanted: "offline_access", offered: ["offline_access"] }),
      asked({ offered: ["offline_access"] }),
    ],
    [undefined, undefined, "read write", "read", "admin read", "read offline_access", "offline_access", undefined],
  );
});
