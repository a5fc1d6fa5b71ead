import assert from "node:assert/strict";
import { test } from "node:test";
import { declarationsOf } from "./declarations.ts";
import { mapRepository } from "./map-repository.ts";

test("Python's top-level functions and classes are told with their signatures", () => {
  const code =
    "import os\n\ndef f(a: int, b=(1, 2)) -> dict[str, int]:\n    def inner(): pass\n\nasync def g(\n    a,\n    b,\n): return 1\n\n@cached\nclass A(Base, metaclass=M):\n    def method(self): ...\n\nif x:\n    def no(): ...\ndef_x = 1\n";
  assert.deepEqual(declarationsOf("a.py", code), [
    "def f(a: int, b=(1, 2)) -> dict[str, int]",
    "async def g(a, b)",
    "class A(Base, metaclass=M)",
  ]);
});

test("exports, functions, classes and types of TypeScript and JavaScript are told without their bodies", () => {
  const code = [
    'import { a } from "./a.ts";',
    "export function f<T>(a: { x: number }, b?: T): { y: T } {",
    "  return g();",
    "}",
    "function one(a: number) { return a; }",
    "export const arrow = async (a: string): Promise<void> => {",
    "export const LIMIT = 3;",
    "export const named: Readonly<Record<string, number>> = { a: 1 };",
    "export type Kind = { readonly a: string };",
    "export interface Shape { a: string }",
    "export default class Car<T> extends Base implements Shape {",
    'export * from "./b.ts";',
    "const hidden = 1;",
    "export async function* many(",
    "  first: string,",
    "  second: number,",
    "): AsyncGenerator<string> {",
  ].join("\n");
  assert.deepEqual(declarationsOf("src/a.ts", code), [
    "export function f<T>(a: { x: number }, b?: T): { y: T }",
    "function one(a: number)",
    "export const arrow = async (a: string): Promise<void>",
    "export const LIMIT",
    "export const named: Readonly<Record<string, number>>",
    "export type Kind",
    "export interface Shape",
    "export default class Car<T> extends Base implements Shape",
    'export * from "./b.ts"',
    "export async function* many(first: string, second: number): AsyncGenerator<string>",
  ]);
});

test("Go's functions, methods and types are told", () => {
  const code =
    'package a\n\nimport (\n\t"fmt"\n)\n\ntype Stack[T any] struct {\n\titems []T\n}\n\nfunc (s *Stack[T]) Push(item T) { s.items = nil }\n\nfunc Sum(\n\ta int,\n\tb int,\n) (int, error) {\n}\n\nvar Limit = 3\nconst (\n\tA = 1\n)\n';
  assert.deepEqual(declarationsOf("a.go", code), [
    "type Stack[T any] struct",
    "func (s *Stack[T]) Push(item T)",
    "func Sum(a int, b int) (int, error)",
    "var Limit",
  ]);
});

const FILES = [
  { path: "src/deep/b.py", content: "def b(x): return x\nclass C: pass\n" },
  { path: "README.md", content: "# def no(): no\n" },
  { path: "src/a.ts", content: "export function a(x: number): number {\n" },
  { path: "src/deep/c.py", content: "" },
];

test("a map gives way from signatures to names, to paths, to folders, and never passes its bound", () => {
  const full =
    "README.md\nsrc/a.ts\n  export function a(x: number): number\nsrc/deep/b.py\n  def b(x)\n  class C\nsrc/deep/c.py";
  const forms = [
    full,
    "README.md\nsrc/a.ts: a\nsrc/deep/b.py: b, C\nsrc/deep/c.py",
    "README.md\nsrc/a.ts\nsrc/deep/b.py\nsrc/deep/c.py",
    "README.md\nsrc/a.ts\nsrc/deep/ (2 files)",
    "README.md\nsrc/ (3 files)",
    "README.md\nand 1 more",
    "and 2 more",
    "",
  ];
  const seen: string[] = [];
  for (let size = full.length; size >= 0; size--) {
    const map = mapRepository(FILES, size);
    assert.ok(map.length <= size, `${map.length} of ${size}`);
    if (seen.at(-1) !== map) seen.push(map);
  }
  assert.deepEqual(seen, forms);
  assert.equal(mapRepository(FILES.toReversed(), 1000), full);
  assert.equal(mapRepository([], 10), "");
});

test("thousands of lines that could be declarations are mapped within the bound", () => {
  const hostile = ["export const ".repeat(3000), `def ${"(".repeat(5000)}`, `func ${"a ".repeat(5000)}{`].join("\n");
  const files = ["a.ts", "a.py", "a.go"].map((path) => ({ path, content: `${hostile}\n`.repeat(20) }));
  assert.ok(mapRepository(files, 4000).length <= 4000);
});

test("a file made by a program, and a line that nobody reads, tell of no declarations", () => {
  const long = `export const a${" ".repeat(500_000)}`;
  assert.deepEqual(declarationsOf("a.ts", long), []);
  const short = "export const b = 1;\n";
  assert.deepEqual(declarationsOf("a.ts", `export const a = "${"x".repeat(200_000)}";\n${short}`), ["export const b"]);
  assert.deepEqual(declarationsOf("a.ts", short.repeat(20_000)), []);
});

test("ten thousand folders are cut to those that fit", () => {
  const files = Array.from({ length: 10_000 }, (_, index) => ({ path: `f${10_000 + index}/a.txt`, content: "" }));
  assert.equal(mapRepository(files, 60), "f10000/ (1 file)\nf10001/ (1 file)\nand 9998 more");
});
