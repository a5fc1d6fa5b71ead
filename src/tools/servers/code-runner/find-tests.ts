import { isSourceFile, isTestFile, type Language } from "../../language.ts";
import type { Toolchain } from "../../toolchain/toolchain.ts";

export const FRAMEWORKS = ["pytest", "unittest", "node"] as const;
export type Framework = (typeof FRAMEWORKS)[number];

export type FoundTests =
  /** `python` is pytest where it is installed, else unittest. */
  | {
      readonly kind: "found";
      readonly framework: Framework | "python";
      readonly files: readonly string[];
      /** By their own names, so that each of them should hold a test; else by the folder they lie in. */
      readonly named: boolean;
    }
  /** Tests of a language that is described by its own commands. */
  | { readonly kind: "by-command"; readonly toolchain: Toolchain; readonly files: readonly string[] }
  | { readonly kind: "none"; readonly why: string };

export type TestSearch = {
  /** The file that was asked for, if it was one: it is run whatever its name. */
  readonly file?: string;
  /** Files of the folder that was asked for. */
  readonly paths: readonly string[];
  readonly framework: Framework | undefined;
  readonly languages: readonly Language[];
};

const PYTHON_TEST = /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/;
const NODE_TEST = /(?:^|\/)(?:[^/]*[._-](?:test|spec)|test-[^/]*|test)\.[cm]?[jt]s$/;
/** Where Node looks too: any file there may be a test, or only help one. */
const NODE_FOLDER = /(?:^|\/)test\/[^.].*\.[cm]?[jt]s$/;
/** One process runs them all. */
const MAX_FILES = 500;

/** Which files are tests, and of which framework or language, by their names. Pure. */
export function findTests({ file, paths, framework, languages }: TestSearch): FoundTests {
  if (file !== undefined) return oneFile(file, framework, languages);
  const python = paths.filter((path) => PYTHON_TEST.test(path)).slice(0, MAX_FILES);
  const node = paths.filter((path) => NODE_TEST.test(path)).slice(0, MAX_FILES);
  const others = framework === undefined ? byCommands(paths, languages) : [];
  const kinds = [
    ...(python.length > 0 ? ["Python"] : []),
    ...(node.length > 0 ? ["Node"] : []),
    ...others.map(({ name }) => name),
  ];
  if (framework === undefined && kinds.length > 1) return { kind: "none", why: severalKinds(kinds) };
  const [other] = others;
  if (other !== undefined) return { kind: "by-command", toolchain: other.toolchain, files: other.files };
  if (framework === "node" || (framework === undefined && python.length === 0)) {
    if (node.length > 0) return { kind: "found", framework: "node", files: node, named: true };
    const beside = paths.filter((path) => NODE_FOLDER.test(path)).slice(0, MAX_FILES);
    if (beside.length > 0) return { kind: "found", framework: "node", files: beside, named: false };
  } else if (python.length > 0) return { kind: "found", framework: framework ?? "python", files: python, named: true };
  const form =
    framework === undefined
      ? ["test_NAME.py", "NAME.test.ts", ...commanded(languages).map(({ example }) => example)].join(" or ")
      : framework === "node"
        ? "NAME.test.ts"
        : "test_NAME.py";
  return { kind: "none", why: `No test file was found; write one named ${form}, or give its path.` };
}

type Commanded = { readonly language: Language; readonly toolchain: Toolchain; readonly example: string };

/** The languages that are described by their own commands. */
function commanded(languages: readonly Language[]): readonly Commanded[] {
  return languages.flatMap((language) => {
    const { runner, testFile } = language;
    return typeof runner === "string" ? [] : [{ language, toolchain: runner, example: testFile.example }];
  });
}

function byCommands(paths: readonly string[], languages: readonly Language[]) {
  return commanded(languages).flatMap(({ language, toolchain }) => {
    const files = paths.filter((path) => isTestFile(language, path)).slice(0, MAX_FILES);
    return files.length === 0 ? [] : [{ name: language.name, toolchain, files }];
  });
}

function severalKinds(kinds: readonly string[]): string {
  const all = `${kinds.slice(0, -1).join(", ")} and of ${kinds.at(-1)}`;
  const built = kinds.every((kind) => kind === "Python" || kind === "Node");
  const how = built ? "set framework to pytest or to node" : "give the path of a file or folder of one of them";
  return `There are tests of ${all} here; ${how}.`;
}

function oneFile(file: string, framework: Framework | undefined, languages: readonly Language[]): FoundTests {
  const other = commanded(languages).find(({ language }) => isSourceFile(language, file));
  const isPython = file.endsWith(".py");
  if (other === undefined && !isPython && !/\.[cm]?[jt]s$/.test(file)) {
    const names = ["Python", "JavaScript", "TypeScript", ...commanded(languages).map(({ language }) => language.name)];
    const list = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
    return { kind: "none", why: `${file} is no file of ${list}; give a test file or a folder.` };
  }
  if (framework !== undefined && (other !== undefined || (framework === "node") === isPython))
    return { kind: "none", why: `${file} is nothing that ${framework} runs; leave framework away.` };
  if (other !== undefined) return { kind: "by-command", toolchain: other.toolchain, files: [file] };
  return { kind: "found", framework: framework ?? (isPython ? "python" : "node"), files: [file], named: true };
}
