import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openGitServer } from "../../src/tools/servers/git/open-git-server.ts";
import type { Attack, Category } from "./attack.ts";
import { verdictOf } from "./attack.ts";
import { Prey } from "./prey.ts";
import { twoSided } from "./two-sided.ts";

type Git = (tool: "status" | "diff" | "log" | "commit", argument?: string) => Promise<string>;
type Open = (root: string, folder: string) => Git;

const real: Open = (root) => {
  const server = openGitServer({
    gitDir: join(root, ".git"),
    workTree: root,
    identity: { name: "a", email: "a@localhost" },
    now: () => new Date(0),
  });
  let call = 0;
  return async (name, argument) => {
    const tool = server.tools.find((found) => found.name === `git_${name}`);
    if (tool === undefined) throw new Error(`there is no tool git_${name}`);
    const key = name === "commit" ? "message" : "path";
    const input = tool.input.safeParse(argument === undefined ? {} : { [key]: argument });
    if (!input.success) return "refused";
    try {
      const result = await tool.run(input.data, {
        signal: AbortSignal.timeout(20_000),
        idempotencyKey: `attack-${call++}`,
      });
      return result.ok ? (result.text ?? "") : result.why;
    } catch (error) {
      return String(error);
    }
  };
};

/** Git as people call it, in the folder, with what its settings ask for. */
const naive: Open =
  (root) =>
  async (name, argument = "") => {
    const words = argument === "" ? [] : [argument];
    const command = {
      status: ["status"],
      diff: ["diff", ...words],
      log: ["log", "-p", ...words],
      commit: ["commit", "-q", ...(argument.startsWith("-") ? words : ["-m", argument || "x"])],
    }[name];
    const env = {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_PAGER_IN_USE: "1",
    };
    const run = (args: readonly string[]): string => {
      try {
        const own = ["-c", "safe.directory=*", "-c", "user.name=a", "-c", "user.email=a@b"];
        return execFileSync("git", [...own, ...args], {
          cwd: root,
          env,
          encoding: "utf8",
          timeout: 1000,
          stdio: ["ignore", "pipe", "pipe"],
        });
      } catch (error) {
        return String(error);
      }
    };
    return (name === "commit" ? run(["add", "-A"]) : "") + run(command);
  };

type Plan = {
  readonly settings?: (payload: string, prey: Prey) => Readonly<Record<string, string>>;
  readonly prepare?: (prey: Prey, payload: string) => void;
  readonly arguments?: (prey: Prey) => readonly (readonly [Parameters<Git>[0], string])[];
};

/** A repository of a stranger: its settings and files are the attacker's. */
function repository(category: Category, name: string, plan: Plan): Attack {
  return twoSided<Open>({
    category,
    name,
    wall: "git",
    real: () => real,
    naive: () => naive,
    attack: async (open) => {
      await using prey = await Prey.open();
      const payload = join(prey.base, "payload");
      writeFileSync(payload, `#!/bin/sh\ntouch ${prey.folder}/pwned\ncat "$2" 2>/dev/null || cat\n`);
      chmodSync(payload, 0o755);
      const run = (...args: string[]) =>
        execFileSync("git", ["-c", "safe.directory=*", "-c", "user.name=a", "-c", "user.email=a@b", ...args], {
          cwd: prey.root,
        });
      run("init", "-q", ".");
      writeFileSync(join(prey.root, "a.txt"), "one\n");
      run("add", "a.txt");
      run("commit", "-q", "-m", "first");
      writeFileSync(join(prey.root, "a.txt"), "two\n");
      writeFileSync(join(prey.root, "new.txt"), "new\n");
      for (const [key, value] of Object.entries(plan.settings?.(payload, prey) ?? {})) run("config", key, value);
      plan.prepare?.(prey, payload);
      const git = open(prey.root, prey.folder);
      const said: string[] = [];
      const usual = [["status"], ["diff"], ["log"], ["commit", "message"], ["log"]] as const;
      for (const [tool, argument] of [...(plan.arguments?.(prey) ?? []), ...usual])
        said.push(await git(tool, argument));
      return verdictOf(prey.damage(said.join("\n")));
    },
  });
}

const config = (name: string, plan: Plan): Attack => repository("git hooks and config", name, plan);
const attributes = ({ root }: Prey, text: string): void => writeFileSync(join(root, ".gitattributes"), text);

export const ON_GIT_SERVER: readonly Attack[] = [
  config("a stranger's repository whose monitor is a program", {
    settings: (payload) => ({ "core.fsmonitor": payload }),
  }),
  config("a stranger's repository with hooks, in their folder and in another", {
    settings: (_, { base }) => ({ "core.hooksPath": join(base, "hooks") }),
    prepare: ({ base, root }, payload) => {
      mkdirSync(join(base, "hooks"));
      for (const folder of [join(base, "hooks"), join(root, ".git", "hooks")])
        for (const hook of [
          "pre-commit",
          "post-commit",
          "commit-msg",
          "prepare-commit-msg",
          "post-index-change",
          "reference-transaction",
        ])
          execFileSync("cp", [payload, join(folder, hook)]);
    },
  }),
  config("a stranger's repository that shows differences by a program", {
    settings: (payload) => ({
      "diff.external": payload,
      "diff.x.textconv": payload,
      "diff.x.command": payload,
      "core.pager": payload,
      "pager.diff": payload,
      "pager.log": payload,
    }),
    prepare: (prey) => attributes(prey, "*.txt diff=x\n"),
  }),
  config("a stranger's repository that filters its files by a program", {
    settings: (payload) => ({
      "filter.x.clean": payload,
      "filter.x.smudge": payload,
      "filter.x.process": payload,
      "filter.x.required": "true",
    }),
    prepare: (prey) => attributes(prey, "*.txt filter=x\n"),
  }),
  config("a stranger's repository that signs and checks signatures by a program", {
    settings: (payload) => ({
      "commit.gpgSign": "true",
      "gpg.program": payload,
      "gpg.ssh.program": payload,
      "log.showSignature": "true",
      "user.signingKey": "x",
    }),
  }),
  config("settings that another file holds, by include and by condition", {
    settings: (payload, { base, root }) => {
      writeFileSync(join(base, "more"), `[core]\nfsmonitor=${payload}\n[filter "x"]\nclean=${payload}\n`);
      return { "include.path": join(base, "more"), [`includeIf.gitdir:${root}/.path`]: join(base, "more") };
    },
    prepare: (prey) => attributes(prey, "*.txt filter=x\n"),
  }),
  config("an object that is missing, to be fetched by a remote's program", {
    settings: (payload) => ({
      "extensions.partialClone": "origin",
      "remote.origin.url": "ssh://x/y",
      "remote.origin.promisor": "true",
      "core.sshCommand": payload,
      "remote.origin.uploadpack": payload,
      "core.repositoryformatversion": "1",
    }),
    prepare: ({ root }) => {
      const blob = execFileSync("git", ["-c", "safe.directory=*", "rev-parse", "HEAD:a.txt"], {
        cwd: root,
        encoding: "utf8",
      }).trim();
      execFileSync("rm", ["-f", join(root, ".git", "objects", blob.slice(0, 2), blob.slice(2))]);
    },
  }),
  config("a work tree that is elsewhere by the repository's settings", {
    settings: (_, { base }) => ({ "core.worktree": base }),
    prepare: ({ base }) => void execFileSync("touch", [join(base, "x")]),
  }),
  config("modules that name programs, and a link as the file that names them", {
    settings: (payload) => ({
      "submodule.x.update": `!${payload}`,
      "submodule.x.url": "./x",
      "diff.submodule": "log",
      "status.submoduleSummary": "true",
      "submodule.recurse": "true",
    }),
    prepare: ({ root }, payload) => {
      writeFileSync(join(root, ".gitmodules"), `[submodule "x"]\npath=x\nurl=./x\nupdate=!${payload}\n`);
      execFileSync("git", ["init", "-q", "x"], { cwd: root });
      const run = (...args: string[]) =>
        execFileSync("git", ["-c", "safe.directory=*", "-c", "user.name=a", "-c", "user.email=a@b", ...args], {
          cwd: join(root, "x"),
        });
      run("commit", "-q", "--allow-empty", "-m", "x");
      execFileSync("git", ["-c", "safe.directory=*", "-c", "protocol.file.allow=always", "add", "x", ".gitmodules"], {
        cwd: root,
        stdio: "ignore",
      });
      run("config", "core.fsmonitor", payload);
      writeFileSync(join(root, "x", "y"), "y");
    },
  }),
  repository("argument and command injection", "paths that git would take for options", {
    arguments: ({ folder, secret }) => [
      ["diff", `--output=${folder}/pwned`],
      ["log", `--output=${folder}/pwned`],
      ["diff", `-O${secret}`],
      ["log", "--max-count=1 --output=x"],
      ["diff", ":(top,glob)../**"],
    ],
  }),
  repository("argument and command injection", "messages that git would take for options", {
    prepare: ({ base }) => writeFileSync(join(base, "message"), "x"),
    arguments: ({ secret }) => [
      ["commit", `--file=${secret}`],
      ["commit", `-F${secret}`],
      ["commit", "--amend\n"],
    ],
  }),
];
