import type { ShellWord } from "./shell-command.ts";
import { Unreadable } from "./unreadable.ts";

/** Git settings that can't run a program. Compared in lower case, as git does. */
const HARMLESS =
  /^(?:user\.(?:name|email)|init\.defaultbranch|commit\.gpgsign=false|advice\.\w+|color\.\w+|pull\.(?:ff|rebase)|push\.default|core\.(?:autocrlf|quotepath|eol|filemode|safecrlf|longpaths))(?:=|$)/;
/** By the command of git: the words with which it runs what another word says. Long options may be cut short. */
const RUNS: ReadonlyMap<string, RegExp> = new Map([
  ["submodule", /^foreach$/],
  ["bisect", /^run$/],
  ["rebase", /^(?:-[A-Za-z]*x|--ex)/],
  ["difftool", /^(?:-[A-Za-z]*x|--ext)/],
  ["grep", /^(?:-[A-Za-z]*O|--op)/],
  ["clone", /^(?:-[A-Za-z]*[cu]|--(?:up|conf|te)|ext::)/],
  ["init", /^--te/],
  ["fetch", /^(?:--up|ext::)/],
  ["pull", /^(?:--up|ext::)/],
  ["ls-remote", /^(?:--(?:up|ex)|ext::)/],
  ["push", /^(?:--(?:rec|ex)|ext::)/],
  ["remote", /^ext::/],
  ["archive", /^--ex/],
  ...["filter-branch", "for-each-repo", "hook", "send-email", "mergetool", "instaweb", "daemon", "shell"].map(
    (name) => [name, /^/] as const,
  ),
]);
const READS = /^(?:get|list|unset|remove-section|--get.*|--list|-l|--unset.*)$/;

/**
 * Refuses what makes git run a program that its words name or hide: settings, and commands that exist to run others.
 *
 * @param rest the words behind `git`.
 * @throws {Unreadable}
 */
export function refuseGit(rest: readonly ShellWord[]): void {
  const at = skipSettings(rest);
  const command = rest[at];
  if (command === undefined) return;
  const words = rest.slice(at + 1);
  if (command.text === "config") return refuseSetting(words);
  const runs = RUNS.get(command.text);
  const word = runs?.test("") === true ? command : words.find((each) => mayBe(each, runs));
  if (word !== undefined) throw new Unreadable(`what "git ${command.text}" runs is not read`);
}

function mayBe({ text, dynamic }: ShellWord, runs: RegExp | undefined): boolean {
  return runs !== undefined && (runs.test(text) || (dynamic && (text === "" || text.startsWith("-"))));
}

/** Where git's own options end. */
function skipSettings(rest: readonly ShellWord[]): number {
  let at = 0;
  for (; at < rest.length; at++) {
    const word = rest[at];
    const text = word?.text ?? "";
    if (word === undefined || (!text.startsWith("-") && !word.dynamic)) break;
    if (text === "-C") at++;
    else if (text === "-c") {
      const setting = rest[++at];
      if (setting === undefined || setting.dynamic || !HARMLESS.test(setting.text.toLowerCase()))
        throw new Unreadable('"git -c" with a setting that can run programs is not read');
    } else if (word.dynamic || /^(?:--config-env|--exec-path=|-c)/.test(text))
      throw new Unreadable(`"git ${text || "…"}" is not read`);
  }
  return at;
}

/** `git config KEY VALUE` does for later what `git -c KEY=VALUE` does for now. */
function refuseSetting(words: readonly ShellWord[]): void {
  if (words.some(({ text, dynamic }) => !dynamic && READS.test(text))) return;
  const at = words.findIndex(({ text, dynamic }) => dynamic || /^[A-Za-z][\w-]*\./.test(text));
  const key = words[at];
  if (key === undefined) return;
  if (key.dynamic || !HARMLESS.test(`${key.text.toLowerCase()}=${words[at + 1]?.text ?? ""}`))
    throw new Unreadable('"git config" with a setting that can run programs is not read');
}
