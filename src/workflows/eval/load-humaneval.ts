import { z } from "zod";
import { requireLanguage } from "../../tools/find-language.ts";
import type { Language } from "../../tools/language.ts";
import { readJsonLines } from "./read-json-lines.ts";
import { badSuite, type EvalSuite, type EvalTask, makeSuite } from "./suite.ts";

const lineSchema = z.object({
  task_id: z.string().min(1),
  prompt: z.string().min(1),
  entry_point: z.string().regex(/^[A-Za-z_]\w*$/),
  test: z.string().min(1),
});

const SOLUTION = "solution.py";
const TEST = "test_hidden.py";

/** The suite of a file in the format of HumanEval: JSON Lines, packed or not. @throws `workflows/bad-suite` */
export async function loadHumaneval(file: string, languages: readonly Language[]): Promise<EvalSuite> {
  const python = requireLanguage("python", languages);
  const lines = await readJsonLines(file, lineSchema);
  return makeSuite(
    "humaneval",
    lines.map(({ value, line }) => {
      if (!value.test.includes("def check("))
        throw badSuite(`${file}, line ${line}`, "its test has no function check(candidate)");
      return toTask(value, python);
    }),
  );
}

function toTask(
  { task_id: id, prompt, entry_point: name, test }: z.infer<typeof lineSchema>,
  python: Language,
): EvalTask {
  return {
    id,
    language: python,
    goal: `Write the Python file ${SOLUTION} that holds the function ${name}, complete and with all that it needs. It begins like this:\n\n${prompt.trimEnd()}\n`,
    entry: [SOLUTION],
    hidden: [{ path: TEST, content: testFile({ prompt, name, test }) }],
    tests: [TEST],
  };
}

/** Some checks call functions of the prompt. The prompt is a whole program: a docstring is a body. */
function testFile({ prompt, name, test }: { prompt: string; name: string; test: string }): string {
  return `${prompt.trimEnd()}


import unittest
from solution import ${name}

${test.trimEnd()}


class Hidden(unittest.TestCase):
    def test_hidden(self):
        check(${name})
`;
}
