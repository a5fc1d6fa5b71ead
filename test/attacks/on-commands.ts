import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mayCall } from "../../src/tools/gate/may-call.ts";
import type { Decision, PolicyQuestion, PolicyRule } from "../../src/tools/gate/policy.ts";
import { mergePolicies, parsePolicy } from "../../src/tools/gate/read-policy.ts";
import { packageProblem } from "../../src/tools/servers/packages/package-request.ts";
import type { Attack } from "./attack.ts";
import { broke, held, verdictOf } from "./attack.ts";
import { twoSided } from "./two-sided.ts";

type Judge = (command: string) => Decision;
type Made = { readonly rm: boolean; readonly secret: boolean };

const ALLOW: PolicyRule = { decide: "allow" };
const question = (command: string): PolicyQuestion => ({
  tool: "run_command",
  server: "shell",
  effect: "workspace",
  paths: [],
  command,
});
const judgedBy =
  (rule: PolicyRule): Judge =>
  (command) =>
    mayCall({ rules: [ALLOW, rule], unparsed: "ask" }, question(command)).decision;

/** Runs a command line for real, where `rm` is a program that only notes that it was called. */
function really(command: string): Made {
  const base = mkdtempSync(join(tmpdir(), "atos-attack-"));
  try {
    const [bin, work] = [join(base, "bin"), join(base, "work")];
    for (const folder of [bin, work, join(work, "secrets")]) mkdirSync(folder);
    writeFileSync(join(bin, "rm"), `#!/bin/sh\necho called >> "${base}/calls"\n`, { mode: 0o755 });
    writeFileSync(join(work, "secrets", "key"), "swordfish\n");
    writeFileSync(join(work, "x"), "x");
    writeFileSync(join(base, "calls"), "");
    let said = "";
    try {
      const env = { PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`, HOME: work };
      said = execFileSync("bash", ["--posix", "-c", command], {
        cwd: work,
        env,
        encoding: "utf8",
        timeout: 3000,
        stdio: ["ignore", "pipe", "ignore"],
      });
    } catch (error) {
      said = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    }
    return { rm: readFileSync(join(base, "calls"), "utf8") !== "", secret: said.includes("swordfish") };
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

/** Looks for the word where a word may begin a command. */
const naiveJudge: Judge = (command) => (/(^|[;&|]\s*)rm\s/.test(command) ? "deny" : "allow");
const naivePathJudge: Judge = (command) => (command.includes("secrets/key") ? "deny" : "allow");

/**
 * Ways to run a program that a rule denies. Each one is allowed by a search for the word, and does run it; allowed by
 * the policy, it has got round it. Asked about, a person sees it.
 */
function bypass(name: string, commands: readonly string[]): Attack {
  return tried(`the rule deny "rm **" got round by ${name}`, commands, {
    rule: { command: "rm **", decide: "deny" },
    naive: naiveJudge,
    made: ({ rm }) => rm,
  });
}

function pathBypass(name: string, commands: readonly string[]): Attack {
  return tried(`the rule deny path "secrets/**" got round by ${name}`, commands, {
    rule: { path: "secrets/**", decide: "deny" },
    naive: naivePathJudge,
    made: ({ secret }) => secret,
  });
}

function tried(
  name: string,
  commands: readonly string[],
  how: { readonly rule: PolicyRule; readonly naive: Judge; readonly made: (made: Made) => boolean },
): Attack {
  return {
    category: "argument and command injection",
    name,
    wall: "gate",
    run: async () => {
      const judge = judgedBy(how.rule);
      const allowed = commands.filter((command) => judge(command) === "allow");
      return allowed.length === 0
        ? held(`${commands.length} ways, none allowed`)
        : broke(`allowed: ${allowed.map((each) => JSON.stringify(each)).join(", ")}`);
    },
    control: async () => {
      const failing = commands.filter((command) => how.naive(command) !== "allow" || !how.made(really(command)));
      if (failing.length > 0) throw new Error(`no attack: ${failing.map((each) => JSON.stringify(each)).join(", ")}`);
      return broke(`${commands.length} ways, each of which does it`);
    },
  };
}

export const ON_COMMANDS: readonly Attack[] = [
  bypass("quotes and backslashes", [
    "r\\m x",
    "'rm' x",
    '"rm" x',
    "r''m x",
    'r""m x',
    "\\rm x",
    "$'rm' x",
    "$'\\x72m' x",
    "'r'm x",
  ]),
  bypass("the program's path", [
    "$(command -v rm) x",
    "./../bin/rm x",
    "cd ../bin && ./rm x",
    "PATH=../bin: rm x",
    "../bin/rm x",
    "../bin/./rm x",
  ]),
  bypass("variables and expansions", [
    "r=rm; $r x",
    "a=r b=m; $a$b x",
    "${x:-rm} x",
    "X=rm; ${X} x",
    'set -- rm x; "$@"',
    "for p in rm; do $p x; done",
    "IFS=,; c=rm,x; $c",
    "r${none}m x",
    "$(echo rm) x",
    "`echo rm` x",
    "../bin/r? x",
    "../bin/[r]m x",
  ]),
  bypass("programs that run programs", [
    "env rm x",
    "nice rm x",
    "timeout 5 rm x",
    "nohup rm x",
    "setsid -w rm x",
    "command rm x",
    "exec rm x",
    "xargs rm < x",
    "echo x | xargs -n1 rm",
    "find . -name x -exec rm {} +",
    "find . -name x -exec rm {} \\;",
    "env -i PATH=$PATH rm x",
    "stdbuf -o0 rm x",
    "time rm x",
    "env -S 'rm x'",
    "busybox true; env -- rm x",
  ]),
  bypass("shells within shells", [
    "sh -c 'rm x'",
    'bash -c "rm x"',
    "sh -ec 'rm x'",
    "echo 'rm x' | sh",
    "sh <<< 'rm x'",
    "sh <<E\nrm x\nE",
    "eval 'rm x'",
    "eval r''m x",
    ". /dev/stdin <<E\nrm x\nE",
    "sh /dev/stdin <<E\nrm x\nE",
    "bash /proc/self/fd/0 <<E\nrm x\nE",
    "printf 'rm x' | bash",
    'bash -c "$(echo cm0geA== | base64 -d)"',
    "trap 'rm x' EXIT",
    "sh -c \"sh -c 'rm x'\"",
    "python3 -c 'import os; os.system(\"rm x\")' ; $(echo rm) x",
  ]),
  bypass("where commands begin", [
    "true && (rm x)",
    "if true; then rm x; fi",
    "{ rm x; }",
    "! rm x",
    "x=1 rm x",
    "> y rm x",
    "2>y rm x",
    "case a in a) rm x;; esac",
    "while rm x; do break; done",
    "f() { rm x; }; f",
    "echo $(rm x)",
    "echo `rm x`",
    'echo "$(rm x)"',
    "cat <<E\n$(rm x)\nE",
    "echo a\nrm x",
    "true & \\\nrm x",
    "echo ${x:-$(rm x)}",
    ": $((1+$(rm x; echo 1)))",
    '[ -n "$(rm x)" ]',
    "#comment\nrm x",
  ]),
  bypass("aliases and settings of other programs", [
    "shopt -s expand_aliases\nalias l=rm\nl x",
    "git -c alias.x='!rm x' x",
    "GIT_SSH_COMMAND='rm x' git ls-remote ssh://a/b",
    "GIT_EDITOR='rm x' git config --global -e",
    "env GIT_EDITOR='rm x' git config --global -e",
    "git -c core.sshCommand='rm x' ls-remote ssh://a/b",
    'hash -p "$PWD/../bin/rm" ls; ls x',
  ]),
  bypass(
    "blanks that are none, and words joined over lines",
    ["r\\\nm x", "rm\tx", "rm\\\n x", "'r'\\\n'm' x"].filter((command) => !/(^|[;&|]\s*)rm\s/.test(command)),
  ),
  pathBypass("other spellings of the path", [
    "cat secrets//key",
    "cat ./secrets/./key",
    "cat secrets/.././secrets//key",
    'cat sec"rets"/key',
    "cat secrets'/'key",
    "cat s*/key",
    "cat secret[s]/key",
    "cat $(echo secrets)/key",
    "d=secrets; cat $d/key",
    "cat secrets/k?y",
    "cat se\\crets/key",
    "cat ~/secrets//key",
    "cat $HOME/secrets//key",
    "cat {secrets,}/key",
  ]),
  pathBypass("going there, or naming the folder alone", [
    "cd secrets; cat key",
    "cd secrets && cat k*",
    "cat -- secrets/*",
    "grep -r '' secrets",
    "find secrets -type f -exec cat {} +",
    "cat < secrets/./key",
    "tar c secrets | cat",
    "cp -r secrets /tmp/$$ && cat /tmp/$$/key; /bin/rm -r /tmp/$$",
    "ls secrets | (cd secrets; xargs cat)",
    "cat secrets/$(ls secrets)",
  ]),
  twoSided<(workspace: string) => PolicyQuestion["tool"]>({
    category: "argument and command injection",
    name: "a policy in the workspace that allows what its user denied",
    wall: "gate",
    real: () => (text) => {
      const user = { rules: [{ tool: "run_command", decide: "deny" } as const] };
      return mayCall(mergePolicies({ user, workspace: parsePolicy(text, "policy.yaml") }), question("true")).decision;
    },
    naive: () => (text) =>
      mayCall(
        {
          rules: [{ tool: "run_command", decide: "deny" }, ...parsePolicy(text, "policy.yaml").rules],
          unparsed: "ask",
        },
        question("true"),
      ).decision,
    attack: async (decide) => {
      const texts = [
        "rules: [{ decide: allow }]",
        "rules: [{ tool: '*', decide: allow }]",
        "rules: [{ tool: run_command, decide: allow }]",
        "rules: [{ tool: shell/*, decide: allow }]",
      ];
      return verdictOf(texts.filter((text) => decide(text) !== "deny"));
    },
  }),
  twoSided<(asked: PolicyQuestion) => Decision>({
    category: "argument and command injection",
    name: "another's server that calls itself and its tools as ATOS's own are called",
    wall: "gate",
    real: () => (asked) => mayCall(mergePolicies({}), asked).decision,
    naive:
      () =>
      ({ server }) =>
        ["filesystem", "shell", "git", "memory", "docs", "web"].includes(server) ? "allow" : "ask",
    attack: async (decide) => {
      const servers = ["filesystem", "shell", "git", "memory", "docs", "web"];
      return verdictOf(
        servers.filter(
          (server) => decide({ tool: "read_file", server, own: false, effect: "none", paths: [] }) === "allow",
        ),
      );
    },
  }),
  twoSided<(paths: readonly string[]) => Decision>({
    category: "argument and command injection",
    name: "a path that a rule denies, spelled another way for a file tool",
    wall: "gate",
    real: () => (paths) =>
      mayCall(
        { rules: [ALLOW, { path: "secrets/**", decide: "deny" }], unparsed: "ask" },
        { tool: "read_file", server: "filesystem", effect: "none", paths },
      ).decision,
    naive: () => (paths) => (paths.some((path) => path.startsWith("secrets/")) ? "deny" : "allow"),
    attack: async (decide) => {
      const paths = [
        "./secrets/key",
        "a/../secrets/key",
        "SECRETS/key",
        "Secrets/key",
        "secrets",
        "//secrets/key",
        "secrets\\key",
        "ｓecrets/key",
        "a//../secrets/key",
        ".//secrets/key",
      ];
      return verdictOf(
        [...paths.map((path) => [path]), ["a", "./secrets/key"]]
          .filter((each) => decide(each) === "allow")
          .map((each) => `allowed: ${each.join()}`),
      );
    },
  }),
  twoSided<(name: string, manager: "npm" | "pip", version?: string) => boolean>({
    category: "argument and command injection",
    name: "names and versions of packages that are options, addresses, files or commands",
    wall: "packages",
    real: () => (name, manager, version) => packageProblem({ manager, name, version }) === undefined,
    naive: () => (name) => !/[;&|`$]/.test(name),
    attack: async (takes) => {
      const names = [
        "--index-url=http://evil.example",
        "-r/etc/passwd",
        "--prefix=/",
        "-g",
        "git+https://evil.example/x",
        "http://evil.example/x.tgz",
        "file:../x",
        "../x",
        "./x",
        "/x",
        "user/repo",
        "github:user/repo",
        "x@file:../y",
        "x@npm:y@1",
        "x @ https://evil.example/x.whl",
        "x[extra]",
        "x\n--index-url=y",
        "x --pre",
        "x==1.0",
        "@scope/../x",
        ".",
        "..",
        "x\0",
        "ｘ",
        "node_modules/../x",
        "x;rm",
        "$(x)",
        "-e.",
        "x.tgz",
        "~/x",
      ];
      const versions = [
        "1.0 --pre",
        "latest || file:x",
        ">=1",
        "*",
        "1.0; rm x",
        "file:x",
        "1.0\n--x",
        "git+x",
        "--x",
        "1.0@x",
        "$(x)",
        "../1",
      ];
      return verdictOf([
        ...(["npm", "pip"] as const).flatMap((manager) =>
          names
            .filter(
              (name) =>
                !(manager === "pip" && name === "x.tgz") &&
                !(manager === "npm" && name === "x.tgz") &&
                takes(name, manager),
            )
            .map((name) => `${manager} ${JSON.stringify(name)}`),
        ),
        ...(["npm", "pip"] as const).flatMap((manager) =>
          versions
            .filter((version) => takes("x", manager, version))
            .map((version) => `${manager} x@${JSON.stringify(version)}`),
        ),
      ]);
    },
  }),
];
