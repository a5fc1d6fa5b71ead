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
  | { readonly kind: "none"; readonly why: string };

export type TestSearch = {
  /** The file that was asked for, if it was one: it is run whatever its name. */
  readonly file?: string;
  /** Files of the folder that was asked for. */
  readonly paths: readonly string[];
  readonly framework: Framework | undefined;
};

const PYTHON_TEST = /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/;
const NODE_TEST = /(?:^|\/)(?:[^/]*[._-](?:test|spec)|test-[^/]*|test)\.[cm]?[jt]s$/;
/** Where Node looks too: any file there may be a test, or only help one. */
const NODE_FOLDER = /(?:^|\/)test\/[^.].*\.[cm]?[jt]s$/;
/** One process runs them all. */
const MAX_FILES = 500;

/** Which files are tests, and of which framework, by their names. Pure. */
export function findTests({ file, paths, framework }: TestSearch): FoundTests {
  if (file !== undefined) return oneFile(file, framework);
  const python = paths.filter((path) => PYTHON_TEST.test(path)).slice(0, MAX_FILES);
  const node = paths.filter((path) => NODE_TEST.test(path)).slice(0, MAX_FILES);
  if (framework === "node" || (framework === undefined && python.length === 0)) {
    if (node.length > 0) return { kind: "found", framework: "node", files: node, named: true };
    const beside = paths.filter((path) => NODE_FOLDER.test(path)).slice(0, MAX_FILES);
    if (beside.length > 0) return { kind: "found", framework: "node", files: beside, named: false };
  } else if (framework === undefined && node.length > 0) {
    return { kind: "none", why: "There are tests of Python and of Node here; set framework to pytest or to node." };
  } else if (python.length > 0) return { kind: "found", framework: framework ?? "python", files: python, named: true };
  const form =
    framework === undefined ? "test_NAME.py or NAME.test.ts" : framework === "node" ? "NAME.test.ts" : "test_NAME.py";
  return { kind: "none", why: `No test file was found; write one named ${form}, or give its path.` };
}

function oneFile(file: string, framework: Framework | undefined): FoundTests {
  const isPython = file.endsWith(".py");
  if (!isPython && !/\.[cm]?[jt]s$/.test(file))
    return {
      kind: "none",
      why: `${file} is no file of Python, JavaScript or TypeScript; give a test file or a folder.`,
    };
  if (framework !== undefined && (framework === "node") === isPython)
    return { kind: "none", why: `${file} is nothing that ${framework} runs; leave framework away.` };
  return { kind: "found", framework: framework ?? (isPython ? "python" : "node"), files: [file], named: true };
}
