import { type Cast, file, type Line } from "../../test/fixtures/cued-team.ts";

/*
 * What the scripted models of this example say. Each is a GGUF file that the real engine runs; it answers by its role,
 * its task and whether it is told of a failure. They stand in for three real models, of which the small ones err.
 */
const FAILED = "That did not pass:";

const SPEC = `NAME: top_words
LANGUAGE: python
SUMMARY: the most frequent words of a text
CRITERIA:
C1: split_words("A cat, a dog") returns ["a", "cat", "a", "dog"]
C2: count_words(["a", "cat", "a"]) returns {"a": 2, "cat": 1}
C3: top_words("A cat, a dog", 1) returns ["a"]
`;

const PLAN = `TASK: split_words
TIER: simple
FILES: split_words.py
AFTER: none
COVERS: C1
DO: write split_words(text), which returns the words in lower case

TASK: count_words
TIER: simple
FILES: count_words.py
AFTER: none
COVERS: C2
DO: write count_words(words), which returns how often each word is there

TASK: top_words
TIER: complex
FILES: top_words.py
AFTER: split_words, count_words
COVERS: C3
DO: write top_words(text, number), which returns the most frequent words
`;

/** A test file with one test. */
function tests(name: string, call: string, result: string): string {
  return file(
    `test_${name}.py`,
    "import unittest",
    `from ${name} import ${name}`,
    "",
    `class ${name.replaceAll("_", "").toUpperCase()}(unittest.TestCase):`,
    `    def test_${name}(self):`,
    `        self.assertEqual(${name}(${call}), ${result})`,
  );
}

function code(name: string, ...lines: readonly string[]): string {
  return file(`${name}.py`, ...lines);
}

const SPLIT_WRONG = code("split_words", "def split_words(text):", "    return text.split()");
const SPLIT_RIGHT = code(
  "split_words",
  "import re",
  "",
  "def split_words(text):",
  "    return re.findall(r'[a-z]+', text.lower())",
);
const COUNT_WRONG = code("count_words", "def count_words(words):", "    return {word: 1 for word in words}");
const COUNT_RIGHT = code(
  "count_words",
  "def count_words(words):",
  "    counts = {}",
  "    for word in words:",
  "        counts[word] = counts.get(word, 0) + 1",
  "    return counts",
);
const TOP = code(
  "top_words",
  "from count_words import count_words",
  "from split_words import split_words",
  "",
  "def top_words(text, number):",
  "    counts = count_words(split_words(text))",
  "    return sorted(counts, key=lambda word: (-counts[word], word))[:number]",
);

/** Everybody but the developers of simple and medium tasks; as a developer it writes complex ones. */
const ALL: readonly Line[] = [
  { role: "product-manager", says: SPEC },
  { role: "tech-lead", says: PLAN },
  { role: "reviewer", says: "SCORE: 9\nVERDICT: accept\n" },
  { role: "tester", task: "split_words", says: tests("split_words", '"A cat, a dog"', '["a", "cat", "a", "dog"]') },
  { role: "tester", task: "count_words", says: tests("count_words", '["a", "cat", "a"]', '{"a": 2, "cat": 1}') },
  { role: "tester", task: "top_words", says: tests("top_words", '"A cat, a dog", 1', '["a"]') },
  { role: "developer", task: "top_words", says: TOP },
];

/** Gets one task right when it is told what failed, and the other never. */
const SIMPLE: readonly Line[] = [
  { role: "developer", task: "split_words", seeing: FAILED, says: SPLIT_RIGHT },
  { role: "developer", task: "split_words", says: SPLIT_WRONG },
  { role: "developer", task: "count_words", says: COUNT_WRONG },
];

const MEDIUM: readonly Line[] = [{ role: "developer", task: "count_words", says: COUNT_RIGHT }];

export const TEAM: Cast = { all: ALL, simple: SIMPLE, medium: MEDIUM };
