import { Unreadable } from "./unreadable.ts";

/** Variables whose value is run, or says what is: by shells, git, pagers, editors, loaders and interpreters. */
const RUNS =
  /^(?:GIT_\w+|\w*PAGER|\w*EDITOR|VISUAL|BROWSER|SHELL|LESSOPEN|LESSCLOSE|LD_\w+|DYLD_\w+|BASH_ENV|ENV|PROMPT_COMMAND|PS4|NODE_OPTIONS|NODE_PATH|PYTHON\w+|PERL5?\w*|RUBY\w+|JAVA_TOOL_OPTIONS|MAKEFLAGS|CC|CXX|RUSTC\w*|npm_config_\w+)$/i;

/**
 * Refuses an assignment, `NAME=value`, to a variable that makes programs run others. The name stands before any
 * expansion, so a word that is put together when the command runs can be looked at as well. Pure.
 *
 * @throws {Unreadable}
 */
export function refuseRunner(assignment: string): void {
  const name = /^[A-Za-z_]\w*/.exec(assignment)?.[0] ?? "";
  if (RUNS.test(name)) throw new Unreadable(`"${name}" can make a program run another`);
}

/** Files that are the command's own input, or descriptors of it. */
const OWN_INPUT = /^\/(?:dev\/(?:stdin|fd\b|tty)|proc\/)/;

/**
 * Refuses a script that is read from where the command line itself puts it.
 *
 * @throws {Unreadable}
 */
export function refuseOwnInput(name: string, script: string): void {
  if (OWN_INPUT.test(script)) throw new Unreadable(`"${name}" runs what it reads from its input`);
}
