import { z } from "zod";
import { requireLanguage } from "../../tools/find-language.ts";
import type { Language } from "../../tools/language.ts";
import { readJsonLines } from "./read-json-lines.ts";
import { badSuite, type EvalSuite, type EvalTask, makeSuite } from "./suite.ts";

const lineSchema = z
  .object({
    task_id: z.union([z.number(), z.string().min(1)]),
    text: z.string().optional(),
    /** What `text` is called in the sanitised edition. */
    prompt: z.string().optional(),
    code: z.string().min(1),
    test_list: z.array(z.string().min(1)).min(1),
    test_setup_code: z.string().default(""),
    test_imports: z.array(z.string()).default([]),
  })
  .refine(({ text, prompt }) => (text ?? prompt ?? "").trim() !== "", { error: "it has neither text nor prompt" });
type Line = z.infer<typeof lineSchema>;

const SOLUTION = "solution.py";
const TEST = "test_hidden.py";

/**
 * The suite of a file in the format of MBPP: JSON Lines, packed or not.
 *
 * MBPP is usually asked with its tests in the prompt. Here they stay hidden: the goal has the signatures of what
 * they call, so figures are lower than published ones and not to be compared with them.
 *
 * @throws {AtosError} `workflows/bad-suite`
 */
export async function loadMbpp(file: string, languages: readonly Language[]): Promise<EvalSuite> {
  const python = requireLanguage("python", languages);
  const lines = await readJsonLines(file, lineSchema);
  return makeSuite(
    "mbpp",
    lines.map(({ value, line }) => toTask(value, { where: `${file}, line ${line}`, python })),
  );
}

function toTask(line: Line, { where, python }: { where: string; python: Language }): EvalTask {
  const called = calledNames(line);
  if (called.length === 0) throw badSuite(where, "its tests call nothing that its code defines");
  const text = (line.text ?? line.prompt ?? "").trim();
  const signatures = called.map((name) => signatureOf(line.code, name)).join("\n");
  return {
    id: `mbpp/${line.task_id}`,
    language: python,
    goal: `${text}\n\nPut it into the Python file ${SOLUTION}, with exactly these names and arguments:\n\n${signatures}\n`,
    entry: [SOLUTION],
    hidden: [{ path: TEST, content: testFile(line, called) }],
    tests: [TEST],
  };
}

/** What the code defines at its top and the tests call. */
function calledNames({ code, test_list, test_setup_code }: Line): readonly string[] {
  const defined = [...code.matchAll(/^(?:async\s+)?(?:def|class)\s+(\w+)/gm)].map(([, name = ""]) => name);
  const tests = `${test_setup_code}\n${test_list.join("\n")}`;
  return [...new Set(defined)].filter((name) => new RegExp(`\\b${name}\\s*\\(`).test(tests));
}

/** The head of a function, or that of a class and of its constructor. */
function signatureOf(code: string, name: string): string {
  const lines = code.split(/\r?\n/);
  const at = lines.findLastIndex((line) => new RegExp(`^(?:async\\s+)?(?:def|class)\\s+${name}\\b`).test(line));
  const head = (lines[at] ?? "").trim();
  if (!head.startsWith("class")) return head;
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => /^\S/.test(line));
  const constructor = rest.slice(0, end < 0 ? undefined : end).find((line) => /^\s+def __init__\b/.test(line));
  return constructor === undefined ? head : `${head}\n    ${constructor.trim()}`;
}

/** Each test as text: one that spans lines, or can't be parsed, fails alone. */
function testFile({ test_list, test_setup_code, test_imports }: Line, called: readonly string[]): string {
  const methods = test_list.map(
    (test, index) => `    def test_${index + 1}(self):\n        exec(${JSON.stringify(test)}, dict(globals()))\n`,
  );
  const head = [
    ...test_imports,
    "import unittest",
    `from solution import ${called.join(", ")}`,
    test_setup_code.trim(),
  ];
  return `${head.filter((line) => line !== "").join("\n")}\n\n\nclass Hidden(unittest.TestCase):\n${methods.join("\n")}`;
}
