import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Attack } from "./attack.ts";
import type { Prey } from "./prey.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const attack = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category: "git hooks and config", name, ...rest });

/** What a person does who looks at the workspace afterwards, with git's own defaults. */
function someoneLooks({ root }: Prey): string[] {
  const env = {
    PATH: process.env["PATH"],
    HOME: "/nonexistent",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
  };
  for (const command of [
    ["status"],
    ["diff"],
    ["log", "-1"],
    ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "x", "--allow-empty"],
  ]) {
    spawnSync("git", ["-c", "safe.directory=*", ...command], { cwd: root, env, timeout: 5000 });
  }
  return existsSync(join(root, "..", "prey", "pwned")) ? ["git ran what it had planted"] : [];
}

const PAYLOAD =
  'printf "#!/bin/sh\\ntouch $PREY/pwned\\n" > payload; chmod 755 payload; PAYLOAD="$BASE/workspace/payload";';
const MAKE_GIT =
  "git init -q . 2>/dev/null || { mkdir -p .git/objects .git/refs/heads .git/hooks; echo 'ref: refs/heads/main' > .git/HEAD; };";

export const ON_GIT: readonly Attack[] = [
  attack("a repository planted in the workspace, whose settings run a program", {
    program: {
      sh: `${PAYLOAD} ${MAKE_GIT} printf "[core]\\nrepositoryformatversion=0\\nfsmonitor=$PAYLOAD\\n" > .git/config; true`,
    },
    judge: someoneLooks,
  }),
  attack("hooks planted in the workspace", {
    program: {
      sh: `${PAYLOAD} ${MAKE_GIT} for hook in pre-commit post-commit post-index-change commit-msg; do cp payload .git/hooks/$hook; done; true`,
    },
    judge: someoneLooks,
  }),
  attack("hooks and settings written into the repository that is there", {
    mayBeRefused: true,
    prepare: ({ root }) => void execFileSync("git", ["init", "-q", "."], { cwd: root }),
    program: {
      sh: `${PAYLOAD} cp payload .git/hooks/pre-commit; echo "[core]
fsmonitor=$PAYLOAD" >> .git/config; mv .git away && cp -r away .git && echo "[core]
fsmonitor=$PAYLOAD" >> .git/config; true`,
    },
    judge: someoneLooks,
  }),
  attack("a .git that is a file and points to a repository of its own", {
    program: {
      sh: `${PAYLOAD} mkdir -p r/objects r/refs/heads; echo 'ref: refs/heads/main' > r/HEAD; printf "[core]\\nrepositoryformatversion=0\\nworktree=$BASE/workspace\\nfsmonitor=$PAYLOAD\\n" > r/config; echo "gitdir: r" > .git; true`,
    },
    judge: someoneLooks,
  }),
  attack("a .git that is a link to a repository of its own", {
    program: {
      sh: `${PAYLOAD} mkdir -p r/objects r/refs/heads; echo 'ref: refs/heads/main' > r/HEAD; printf "[core]\\nrepositoryformatversion=0\\nfsmonitor=$PAYLOAD\\n" > r/config; ln -s r .git; true`,
    },
    judge: someoneLooks,
  }),
  attack("the workspace made a bare repository by its own files, which needs no .git", {
    program: {
      sh: `${PAYLOAD} mkdir -p objects refs/heads; echo 'ref: refs/heads/main' > HEAD; printf "[core]\\nrepositoryformatversion=0\\nbare=false\\nworktree=$BASE/workspace\\nfsmonitor=$PAYLOAD\\n" > config; true`,
    },
    judge: someoneLooks,
    notPromised: {
      bubblewrap:
        "files of other names than .git are the command's own; ATOS's own git never looks for a repository in a workspace",
      landlock:
        "files of other names than .git are the command's own; ATOS's own git never looks for a repository in a workspace",
    },
  }),
  attack("settings of ATOS planted for whoever works there next", {
    program: {
      sh: "mkdir -p .atos && echo 'sandbox: none' > .atos/config.yaml && echo 'rules: []' > .atos/policy.yaml; true",
    },
    judge: ({ root }) =>
      existsSync(join(root, ".atos")) && readdirSync(join(root, ".atos")).length > 0 ? [".atos has what it wrote"] : [],
  }),
  attack("what is recorded in the repository of the workspace, read", {
    mayBeRefused: true,
    prepare: (prey) => {
      const git = (...args: string[]) =>
        execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: prey.root });
      git("init", "-q", ".");
      execFileSync("cp", [prey.secret, join(prey.root, "recorded")]);
      git("add", "recorded");
      git("commit", "-q", "-m", "x");
      execFileSync("rm", [join(prey.root, "recorded")]);
    },
    program: {
      sh: "git -c safe.directory='*' show HEAD:recorded; for f in .git/objects/*/*; do python3 -c 'import sys, zlib; print(zlib.decompress(open(sys.argv[1], \"rb\").read()))' $f; done; true",
    },
  }),
];
