import type { ShellCommand, SimpleCommand } from "./shell-command.ts";
import { readShellSyntax } from "./shell-syntax.ts";
import { unwrapCommand } from "./shell-wrappers.ts";
import { Unreadable } from "./unreadable.ts";

const MAX_CHARS = 200_000;
/** One command within another, and a line within a line. */
const MAX_WRAPPINGS = 12;
const MAX_COMMANDS = 4000;
/** What a person would not see, or would see as something else. */
const UNSEEN = /[^\P{C}\t\n]|[^\P{Z} ]/u;

/**
 * Reads a command line as the shell would: into the commands that it runs, through quotes, substitutions and
 * wrappers. What it can't be sure of, it doesn't read. Pure, linear in the length of the text, throws never.
 *
 * It sees the words of the line and not what programs do: `python x.py` may start anything. That is the sandbox's part.
 */
export function parseCommand(text: string): ShellCommand {
  if (text.length > MAX_CHARS) return { kind: "unparsed", why: `the command is longer than ${MAX_CHARS} characters` };
  if (UNSEEN.test(text)) return { kind: "unparsed", why: "the command has characters that can't be seen" };
  try {
    return { kind: "commands", ...readLine(text, 0) };
  } catch (error) {
    if (error instanceof Unreadable) return { kind: "unparsed", why: error.message };
    throw error;
  }
}

type Line = { readonly commands: readonly SimpleCommand[]; readonly altered: boolean };

function readLine(text: string, depth: number): Line {
  const { commands, altered } = readShellSyntax(text, depth);
  const found = commands.map((command) => lookThrough(command, depth));
  const all = found.flatMap((line) => line.commands);
  if (all.length > MAX_COMMANDS) throw new Unreadable(`more than ${MAX_COMMANDS} commands`);
  return { commands: all, altered: altered || found.some((line) => line.altered) };
}

function lookThrough(command: SimpleCommand, depth: number): Line {
  if (depth > MAX_WRAPPINGS) throw new Unreadable(`more than ${MAX_WRAPPINGS} commands within one another`);
  const { wrapper, commands, lines, alters } = unwrapCommand(command);
  const inner = [
    ...commands.map((each) => lookThrough(each, depth + 1)),
    ...lines.map((line) => readLine(line, depth + 1)),
  ];
  return {
    commands: [{ ...command, wrapper }, ...inner.flatMap((line) => line.commands)],
    altered: alters || inner.some((line) => line.altered),
  };
}
