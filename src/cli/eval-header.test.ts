import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { singleModelRoster } from "../agents/roster.ts";
import { BUILT_IN_LANGUAGES } from "../tools/built-in-languages.ts";
import { headerDifferences } from "../workflows/eval/results-file.ts";
import { makeSuite } from "../workflows/eval/suite.ts";
import { type EvalAsked, evalHeader } from "./eval-header.ts";

const root = mkdtempSync(join(tmpdir(), "atos-eval-header-"));
after(() => rmSync(root, { recursive: true, force: true }));

const [PYTHON] = BUILT_IN_LANGUAGES;
assert.ok(PYTHON !== undefined);
const TESTS = [{ path: "test_a.py", content: "" }];
const TASK = { id: "a", language: PYTHON, goal: "g", entry: [], hidden: TESTS, tests: ["test_a.py"] };
const SERVER = { kind: "openai", id: "m", baseUrl: "http://127.0.0.1:1/v1", model: "m", contextTokens: 4096 } as const;
const places = { modelsDirectory: root, directory: root, home: root, env: {} };
const CHOICE = { ...places, roster: undefined, model: "m", contextTokens: undefined, thinking: undefined };

function asked(more: Partial<EvalAsked> = {}, source: typeof SERVER | object = SERVER): EvalAsked {
  const roster = singleModelRoster({ ...SERVER, ...source });
  return {
    suite: makeSuite("own", [TASK]),
    chosen: { roster, promptsDirectory: undefined, domainFile: undefined, notes: [] },
    languages: BUILT_IN_LANGUAGES,
    options: { seed: 0, ways: ["team"] },
    wish: {
      choice: { ...CHOICE, apiKeyVariable: undefined, apiKeyFile: undefined },
      stateRoot: join(root, "state"),
      effort: { fixRounds: { small: 2, large: 4 }, samples: 2 },
    },
    ...more,
  };
}

test("a role, a language, a domain or a setting of a model that changed makes another run, and is named", async () => {
  const before = await evalHeader(asked());
  assert.deepEqual(headerDifferences(before, await evalHeader(asked())), []);
  const thinking = await evalHeader(asked({}, { thinking: "off" }));
  assert.match(
    headerDifferences(before, thinking).join(),
    /^models was \["m = .*#m, contextTokens 4096"\] and is .*off/,
  );
  const python = { ...PYTHON, advice: { ...PYTHON.advice, tester: "Use doctest." } };
  const languages = [...BUILT_IN_LANGUAGES.filter(({ id }) => id !== "python"), python, { ...PYTHON, id: "snake" }];
  assert.deepEqual(headerDifferences(before, await evalHeader(asked({ languages }))), [
    "the language python was changed",
    "the language snake was added",
  ]);
  writeFileSync(join(root, "domain.yaml"), "version: 1\n");
  const domainFile = join(root, "domain.yaml");
  const domain = await evalHeader(asked({ chosen: { ...asked().chosen, domainFile } }));
  assert.deepEqual(headerDifferences(domain, before), ["the domain was removed"]);
  mkdirSync(join(root, ".atos/roles"), { recursive: true });
  const words = "---\nrole: developer\nmax_tokens: 100\n---\n# user\nWrite it.\n";
  writeFileSync(join(root, ".atos/roles/developer.md"), words);
  assert.deepEqual(headerDifferences(before, await evalHeader(asked())), [
    "the role developer (complex) was changed",
    "the role developer (medium) was changed",
    "the role developer (simple) was changed",
  ]);
});
