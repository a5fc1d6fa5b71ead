import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Attack, Category } from "./attack.ts";
import type { SandboxAttack } from "./sandbox-attack.ts";
import { sandboxAttack } from "./sandbox-attack.ts";

const links = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  attack("symlink and hard-link swaps", name, rest);
const paths = (name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  attack("path traversal", name, rest);
const attack = (category: Category, name: string, rest: Omit<SandboxAttack, "category" | "name">): Attack =>
  sandboxAttack({ category, name, ...rest });

export const ON_LINKS: readonly Attack[] = [
  paths("a command that climbs out by .. and by its own descriptors", {
    program: {
      python: `
here = os.open(".", os.O_RDONLY)
for path in ["../secret.txt", "./x/../../secret.txt", "../" * 20 + env["SECRET_FILE"], "/proc/self/cwd/../secret.txt"]:
    for base in (None, here):
        try: print(os.read(os.open(path, os.O_RDONLY, dir_fd=base), 100).decode())
        except OSError as error: print(path, error, file=sys.stderr)
for _ in range(30):
    try: os.chdir("..")
    except OSError: break
for path in [env["SECRET_FILE"].lstrip("/"), "secret.txt"]:
    try: print(open(path).read())
    except OSError as error: print(error, file=sys.stderr)`,
    },
  }),
  paths("files outside, changed or made by a way around", {
    program: {
      python: `
for path in ["../prey/planted", "../secret.txt", env["PREY"] + "/planted", env["SECRET_FILE"]]:
    for how in [lambda: open(path, "a").write("x"), lambda: os.truncate(path, 1), lambda: os.chmod(path, 0o777), lambda: os.unlink(path), lambda: os.mkdir(path), lambda: os.rename("own", path), lambda: os.setxattr(path, "user.x", b"x")]:
        try: open("own", "w").close(); how()
        except OSError as error: print(path, error, file=sys.stderr)`,
    },
  }),
  paths("the folder of the workspace itself, moved away and replaced", {
    program: {
      python: `
attempt("moved it", lambda: os.rename(env["BASE"] + "/workspace", env["BASE"] + "/moved"))
attempt("moved it", lambda: os.rename("../workspace", "../moved"))
attempt("removed what is beside it", lambda: os.rmdir("../shown"))`,
    },
  }),
  links("a symbolic link to a secret, to a folder, to the root", {
    program: {
      sh: 'ln -s "$SECRET_FILE" a; ln -s "$BASE" b; ln -s / c; ln -s ../.. d; cat a b/secret.txt c"$SECRET_FILE" d/*/secret.txt; echo x > b/prey/planted; chmod 0 a; true',
    },
  }),
  links("a hard link to a secret, which would outlive everything", {
    program: {
      sh: 'ln "$SECRET_FILE" a; ln ../secret.txt b; ln -L "$SECRET_FILE" c; cat a b c; true',
    },
  }),
  links("a link that was in the workspace before, where the sandbox prepares its own", {
    mayBeRefused: true,
    prepare: (prey) => {
      symlinkSync(prey.folder, join(prey.root, ".git"));
      symlinkSync(prey.folder, join(prey.root, ".atos"));
      symlinkSync(prey.secret, join(prey.root, "link"));
      mkdirSync(join(prey.root, "deep"));
      symlinkSync(prey.base, join(prey.root, "deep", "up"));
    },
    program: {
      sh: "echo x > .git/planted; echo x > .atos/planted; echo x >> link; cat link deep/up/secret.txt; chown 0 link; true",
    },
  }),
  links("a link to a folder outside, where a next command's files are shown", {
    mayBeRefused: true,
    prepare: ({ root, base }) => symlinkSync(base, join(root, "linked")),
    program: { sh: "echo x > linked/prey/planted; cat linked/secret.txt; true" },
  }),
  links("a swap, while the next command starts: a folder of the workspace becomes a link out", {
    prepare: (prey) => {
      mkdirSync(join(prey.root, "a"));
    },
    program: {
      python: `
ends = time.monotonic() + 0.4
os.symlink(env["BASE"], "l")
while time.monotonic() < ends:
    try:
        os.rename("a", "b"); os.rename("l", "a"); open("a/prey/planted", "w").close()
    except OSError: pass
    try:
        os.rename("a", "l"); os.rename("b", "a")
    except OSError: pass`,
    },
    next: { sh: "cat a/secret.txt l/secret.txt b/secret.txt; true" },
  }),
];
