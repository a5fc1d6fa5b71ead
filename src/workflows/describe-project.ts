import type { WorkspaceFile } from "../journal/workspaces.ts";
import { showFile } from "../agents/file-blocks.ts";
import { isSourceFile, isTestFile, type Language } from "../tools/language.ts";

const RULE_FILES = ["AGENTS.md", "CLAUDE.md", ".cursorrules"];
const MAX_RULES_CHARS = 1500;
const SAMPLE_LINES = 30;
const MAX_SAMPLE_CHARS = 1200;

/**
 * The language of a project: that of most of its source files, and between equals, or where there is no source file,
 * the one whose manifest it has. Undefined when nothing tells. Pure.
 */
export function projectLanguage(paths: readonly string[], languages: readonly Language[]): Language | undefined {
  const names = new Set(paths.map((path) => path.split("/").at(-1)));
  const weighed = languages.map((language) => ({
    language,
    files: paths.filter((path) => isSourceFile(language, path)).length,
    manifest: language.manifests.some((name) => names.has(name)) ? 1 : 0,
  }));
  const [most] = weighed.toSorted((one, other) => other.files - one.files || other.manifest - one.manifest);
  return most === undefined || most.files + most.manifest === 0 ? undefined : most.language;
}

/** What a project tells those who work on it: the first of its files for that, as much of it as fits. Pure. */
export function projectRules(files: readonly WorkspaceFile[]): string {
  const found = RULE_FILES.map((name) => files.find(({ path }) => path === name)).find((file) => file !== undefined);
  return found === undefined ? "" : cutAtParagraph(found.content.replaceAll("\r\n", "\n").trim(), MAX_RULES_CHARS);
}

/** As many whole paragraphs as fit, else lines, else characters. Pure. */
export function cutAtParagraph(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const head = text.slice(0, maxChars);
  const end = [head.lastIndexOf("\n\n"), head.lastIndexOf("\n")].find((index) => index > 0) ?? maxChars;
  return head.slice(0, end).trimEnd();
}

/**
 * How files of a project look: the first lines of the one nearest to `path`, in the form a model answers in, or
 * nothing where there is none or its lines are long. `tests`: a test file, else one that is none. Pure.
 */
export function styleSample(
  files: readonly WorkspaceFile[],
  { language, path, tests }: { readonly language: Language; readonly path: string; readonly tests: boolean },
): string {
  const same = files.filter(
    (file) =>
      isSourceFile(language, file.path) && isTestFile(language, file.path) === tests && file.content.trim() !== "",
  );
  const folder = path.split("/").slice(0, -1).join("/");
  const near = same.find((file) => file.path.split("/").slice(0, -1).join("/") === folder) ?? same[0];
  if (near === undefined) return "";
  const lines = near.content.replaceAll("\r\n", "\n").split("\n");
  const begin = lines.slice(0, SAMPLE_LINES).join("\n").trimEnd();
  if (begin.length > MAX_SAMPLE_CHARS) return "";
  const shown = showFile({ path: near.path, content: begin }, language.fence);
  return `${lines.length > SAMPLE_LINES ? "One of its files begins" : "One of its files"}, for the style:\n\n${shown}`;
}

/** The files of a reply with the line ends that they had before: models write plain ones. Pure. */
export function keepLineEnds(
  written: readonly WorkspaceFile[],
  before: readonly WorkspaceFile[],
): readonly WorkspaceFile[] {
  return written.map(({ path, content }) => {
    const old = before.find((file) => file.path === path)?.content ?? "";
    const ends = old.split("\n").length - 1;
    const crlf = ends > 0 && old.split("\r\n").length - 1 === ends;
    return { path, content: crlf ? content.replaceAll(/\r?\n/g, "\r\n") : content };
  });
}
