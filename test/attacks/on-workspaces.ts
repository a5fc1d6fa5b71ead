import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AtosError } from "../../src/base/errors.ts";
import { Workspaces } from "../../src/journal/workspaces.ts";
import type { Attack, Category } from "./attack.ts";
import { broke, held, verdictOf } from "./attack.ts";
import { Prey, SECRET } from "./prey.ts";
import { twoSided } from "./two-sided.ts";

/** Records a folder and brings it back. */
type Keeper = {
  /** A name for what was recorded, or why it was not. */
  snapshot(): Promise<{ readonly name: string } | { readonly refused: string }>;
  restore(name: string): Promise<void>;
  /** Everything that was recorded, as one text. */
  recorded(): string;
};
type Open = (directory: string, store: string) => Promise<Keeper>;

const real: Open = async (directory, store) => {
  const workspaces = await Workspaces.open(store);
  const folder = workspaces.openFolder(directory);
  return {
    snapshot: async () => {
      const taken = await folder.snapshot();
      return taken.kind === "taken" ? { name: taken.snapshot } : { refused: taken.why };
    },
    restore: (name) => folder.restore(name),
    recorded: () => git(store, ["cat-file", "--batch-all-objects", "--batch"]),
  };
};

/** Git as people use it: in the folder, with its settings and attributes. */
const naive: Open = async (directory) => {
  if (!existsSync(join(directory, ".git"))) git(directory, ["init", "-q", "."]);
  return {
    snapshot: async () => {
      git(directory, ["add", "-A", "-f", "."]);
      git(directory, ["commit", "-q", "--allow-empty", "-m", "x"]);
      return { name: git(directory, ["rev-parse", "HEAD"]).trim() };
    },
    restore: async (name) => {
      git(directory, ["reset", "-q", "--hard", name]);
      git(directory, ["clean", "-q", "-fdx"]);
    },
    recorded: () => git(directory, ["cat-file", "--batch-all-objects", "--batch"]),
  };
};

function git(cwd: string, args: readonly string[]): string {
  const env = {
    PATH: process.env["PATH"],
    HOME: "/nonexistent",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
  };
  const own = ["-c", "safe.directory=*", "-c", "user.name=a", "-c", "user.email=a@b"];
  return execFileSync("git", [...own, ...args], {
    cwd,
    env,
    encoding: "utf8",
    timeout: 10_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

type Plan = {
  readonly prepare: (prey: Prey) => void;
  /** Between the snapshot and bringing it back. */
  readonly meanwhile?: (prey: Prey) => void;
  readonly judge?: (prey: Prey, keeper: Keeper) => readonly string[];
  readonly naive?: (() => Open) | { readonly none: string };
};

function workspace(category: Category, name: string, plan: Plan): Attack {
  return twoSided<Open>({
    category,
    name,
    wall: "workspace",
    real: () => real,
    naive: plan.naive ?? (() => naive),
    attack: async (open) => {
      await using prey = await Prey.open();
      plan.prepare(prey);
      const keeper = await open(prey.root, join(prey.base, "store"));
      try {
        const taken = await keeper.snapshot();
        if ("refused" in taken) {
          const damage = prey.damage("");
          return damage.length === 0 ? held(`refused: ${taken.refused}`) : verdictOf(damage);
        }
        plan.meanwhile?.(prey);
        await keeper.restore(taken.name);
      } catch (error) {
        if (!(error instanceof AtosError)) throw error;
      }
      return verdictOf([...prey.damage(""), ...(plan.judge?.(prey, keeper) ?? [])]);
    },
  });
}

const payload = ({ root, folder }: Prey): string => {
  const path = join(root, "payload");
  writeFileSync(path, `#!/bin/sh\ntouch ${folder}/pwned\ncat\n`, { mode: 0o755 });
  chmodSync(path, 0o755);
  return path;
};

export const ON_WORKSPACES: readonly Attack[] = [
  workspace("git hooks and config", "hooks and a monitor in the workspace, met by ATOS when it records it", {
    prepare: (prey) => {
      const path = payload(prey);
      git(prey.root, ["init", "-q", "."]);
      for (const hook of ["pre-commit", "post-commit", "post-index-change", "post-checkout"])
        execFileSync("cp", [path, join(prey.root, ".git", "hooks", hook)]);
      git(prey.root, ["config", "core.fsmonitor", path]);
      git(prey.root, ["config", "filter.x.clean", path]);
    },
  }),
  workspace(
    "git hooks and config",
    "a bare repository made of the workspace's own files, met by ATOS when it records it",
    {
      prepare: (prey) => {
        const path = payload(prey);
        for (const folder of ["objects", "refs/heads"]) mkdirSync(join(prey.root, folder), { recursive: true });
        writeFileSync(join(prey.root, "HEAD"), "ref: refs/heads/main\n");
        writeFileSync(
          join(prey.root, "config"),
          `[core]\nrepositoryformatversion=0\nbare=false\nworktree=${prey.root}\nfsmonitor=${path}\n[filter "x"]\nclean=${path}\n`,
        );
      },
      naive: () => async (directory, store) => {
        const keeper = await naive(directory, store).catch(() => undefined);
        git(directory, ["--git-dir=.", "status"]);
        return keeper ?? (await naive(directory, store));
      },
    },
  ),
  workspace("git hooks and config", "a repository within the workspace, deeper and in other letters", {
    prepare: ({ root }) => {
      mkdirSync(join(root, "a", "b"), { recursive: true });
      writeFileSync(join(root, "a", "b", "x"), SECRET);
      git(join(root, "a", "b"), ["init", "-q", "."]);
      git(join(root, "a", "b"), ["add", "x"]);
      git(join(root, "a", "b"), ["commit", "-q", "-m", "x"]);
    },
    // A repository within another is recorded as a number, and its files not at all.
    judge: (_, keeper) => (keeper.recorded().includes(SECRET) ? [] : ["files were left out without a word"]),
  }),
  workspace("git hooks and config", "attributes that change bytes: line ends, identities, filters, files left out", {
    prepare: ({ root }) => {
      writeFileSync(join(root, ".gitattributes"), "* text eol=crlf ident filter=x export-ignore\n");
      writeFileSync(join(root, ".gitignore"), "*\n");
      writeFileSync(join(root, "a.txt"), "one\r\ntwo\n$Id$\n");
    },
    meanwhile: ({ root }) => writeFileSync(join(root, "a.txt"), "other"),
    judge: ({ root }) =>
      readFileSync(join(root, "a.txt"), "utf8") === "one\r\ntwo\n$Id$\n" ? [] : ["a file came back as another"],
    naive: () => async (directory, store) => {
      const keeper = await naive(directory, store);
      return {
        ...keeper,
        restore: async (name) => (git(directory, ["rm", "-q", "--cached", "a.txt"]), await keeper.restore(name)),
      };
    },
  }),
  workspace("symlink and hard-link swaps", "a link to a secret, recorded", {
    prepare: ({ root, secret, base }) => {
      symlinkSync(secret, join(root, "link"));
      symlinkSync(base, join(root, "folder"));
    },
    judge: ({ root }, keeper) => [
      ...(keeper.recorded().includes(SECRET) ? ["the secret was recorded"] : []),
      ...(lstatSync(join(root, "link"), { throwIfNoEntry: false })?.isSymbolicLink() === true
        ? []
        : ["the link came back as a file"]),
    ],
    naive: () => async (directory, store) => {
      const keeper = await naive(directory, store);
      execFileSync("cp", ["-L", join(directory, "link"), join(directory, "copied")]);
      return keeper;
    },
  }),
  workspace("symlink and hard-link swaps", "folders that became links out before the workspace is brought back", {
    prepare: ({ root }) => {
      mkdirSync(join(root, "d", "prey"), { recursive: true });
      writeFileSync(join(root, "d", "prey", "planted"), "x");
      writeFileSync(join(root, "d", "secret.txt"), "changed");
    },
    meanwhile: ({ root, base }) => {
      execFileSync("rm", ["-r", join(root, "d")]);
      symlinkSync(base, join(root, "d"));
    },
    naive: () => copies,
  }),
  workspace("symlink and hard-link swaps", "a hard link to a file outside, when the workspace is brought back", {
    prepare: ({ root }) => writeFileSync(join(root, "a"), "changed"),
    meanwhile: ({ root, base }) => {
      execFileSync("rm", [join(root, "a")]);
      writeFileSync(join(base, "linked"), "outside");
      linkSync(join(base, "linked"), join(root, "a"));
    },
    judge: ({ base }) =>
      readFileSync(join(base, "linked"), "utf8") === "outside" ? [] : ["a file outside was changed"],
    naive: () => copies,
  }),
  workspace("device files", "pipes, sockets and closed folders in the workspace that is recorded", {
    prepare: ({ root }) => {
      execFileSync("mkfifo", [join(root, "pipe")]);
      mkdirSync(join(root, "closed"));
      writeFileSync(join(root, "closed", "x"), "x");
      chmodSync(join(root, "closed"), 0);
    },
    judge: ({ root }) => (existsSync(join(root, "pipe")) ? ["a pipe was left where files are read"] : []),
    naive: () => naive,
  }),
  {
    category: "symlink and hard-link swaps",
    name: "a race: the workspace is brought back, over and over, while a folder and a link out are exchanged",
    wall: "workspace",
    run: () => race(real),
    control: () => race(copies),
  },
];

/** Copies files one by one, by their paths. */
const copies: Open = async (directory, store) => ({
  snapshot: async () => {
    execFileSync("cp", ["-r", directory, store]);
    return { name: store };
  },
  restore: async () => {
    for (const name of readdirSync(store, { recursive: true, encoding: "utf8" })) {
      if (lstatSync(join(store, name)).isDirectory()) mkdirSync(join(directory, name), { recursive: true });
      else writeFileSync(join(directory, name), readFileSync(join(store, name)));
    }
  },
  recorded: () => "",
});

const ROUNDS = 150;
const SWAPPER = `
import ctypes, os, select, sys
libc = ctypes.CDLL(None)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    try: os.symlink(os.environ["BASE"], "l")
    except OSError: pass
    for _ in range(300): libc.renameat2(-100, b"d", -100, b"l", 2)`;

async function race(open: Open) {
  await using prey = await Prey.open();
  mkdirSync(join(prey.root, "d", "prey"), { recursive: true });
  writeFileSync(join(prey.root, "d", "prey", "planted"), "x");
  writeFileSync(join(prey.root, "d", "secret.txt"), "changed");
  const keeper = await open(prey.root, join(prey.base, "store"));
  const taken = await keeper.snapshot();
  if ("refused" in taken) throw new Error(taken.refused);
  const swapper = spawn("/usr/bin/python3", ["-I", "-c", SWAPPER], {
    cwd: prey.root,
    env: prey.env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(swapper.stdout, "data");
  let damage: string[] = [];
  let failed = 0;
  try {
    for (let round = 0; round < ROUNDS && damage.length === 0; round++) {
      // That a folder changes under its hands it may tell; what is outside it may not touch.
      await keeper.restore(taken.name).catch(() => failed++);
      damage = prey.damage("");
    }
  } finally {
    swapper.stdin.end();
    await once(swapper, "exit");
  }
  return damage.length > 0 ? broke(damage.join("; ")) : held(`${ROUNDS} rounds, ${failed} of them given up`);
}
