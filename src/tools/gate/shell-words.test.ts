import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCommand } from "./shell-words.ts";

/** Commands as `word|word…`, those that only wrap another in brackets; `?` in front when it is not read. */
function read(text: string): readonly string[] | string {
  const parsed = parseCommand(text);
  if (parsed.kind === "unparsed") return "?";
  return parsed.commands.map(({ words, redirections, wrapper }) => {
    const said = words.map((word) => word.text + (word.dynamic ? "…" : "")).join("|");
    const files = redirections.map(({ mode, path }) => `${mode === "read" ? "<" : ">"}${path.text}`).join("");
    return (wrapper ? `[${said}]` : said) + files;
  });
}

const READ: readonly (readonly [string, readonly string[]])[] = [
  ["git status", ["git|status"]],
  ["a && b || c; d & e | f\ng", ["a", "b", "c", "d", "e", "f", "g"]],
  // Quotes.
  [`r''m -r"f" 'a b' c\\ d`, ["rm|-rf|a b|c d"]],
  ["\\rm x", ["rm|x"]],
  ['echo "a\\"b\\$c\\d"', ['echo|a"b$c\\d']],
  ["'rm -rf x'", ["rm -rf x"]],
  // Lines that are joined, and comments that are none.
  ["r\\\nm x", ["rm|x"]],
  ["echo a#b # rm\nls", ["echo|a#b", "ls"]],
  ["echo a\\\n#b\nls", ["echo|a#b", "ls"]],
  ["ls;# rm x\nrm y", ["ls", "rm|y"]],
  ["# it's\nrm x", ["rm|x"]],
  // What the shell puts in, and what it runs for that.
  ['ls "$(rm x)" `rm y` $Z', ["rm|x", "rm|y", "ls|…|…|…"]],
  ['echo "${x:-$(rm y)}"', ["rm|y", "echo|…"]],
  ["ls src/*.py a{b,c} ~/x", ["ls|src/…|a…|…"]],
  ["$X -rf .", ["…|-rf|."]],
  ["{rm,-rf,x}", ["…"]],
  // Compound commands.
  ["if [ -f x ]; then a; elif b; then c; else d; fi > out", ["[|-f|x|]", "a", "b", "c", "d", ">out"]],
  ["for f in $(rm x); do p $f; done", ["rm|x", "p|…"]],
  ["case $x in a|b) rm y;; (*) ls ;; esac", ["rm|y", "ls"]],
  ["while ! a; do (b; { c; }); done", ["a", "b", "c"]],
  // Redirections.
  ["a 2>x <y >>z 2>&1 >&-", ["a>x<y>z"]],
  ["> x", [">x"]],
  // Here-documents.
  ["cat > f <<'E' && rm x\n$(rm y) ' `\nE\nls", ["cat>f", "rm|x", "ls"]],
  ["cat <<E\n$(rm y)\n\\$(rm z)\nE\nls", ["cat", "rm|y", "ls"]],
  ["cat <<-A <<B\n\tx\n\tA\nA\nB\nrm x", ["cat", "rm|x"]],
  ["git commit -m \"$(cat <<'E'\nit's (done)\nE\n)\"", ["cat", "git|commit|-m|…"]],
  // What runs another.
  [
    "timeout -k 5 10 nice -n 5 nohup rm x",
    ["[timeout|-k|5|10|nice|-n|5|nohup|rm|x]", "[nice|-n|5|nohup|rm|x]", "[nohup|rm|x]", "rm|x"],
  ],
  ["env -i A=b rm x", ["env|-i|A=b|rm|x", "rm|x"]],
  ["sudo -u root rm x", ["sudo|-u|root|rm|x", "rm|x"]],
  ["exec -a ls rm x", ["exec|-a|ls|rm|x", "rm|x"]],
  ["command -v rm", ["command|-v|rm"]],
  [`sh -ec 'a; sh -c "rm x"'`, ['[sh|-ec|a; sh -c "rm x"]', "a", "[sh|-c|rm x]", "rm|x"]],
  ["busybox sh -c 'rm x'", ["[busybox|sh|-c|rm x]", "[sh|-c|rm x]", "rm|x"]],
  ["eval 'rm' x", ["[eval|rm|x]", "rm|x"]],
  ["trap 'rm x' EXIT", ["trap|rm x|EXIT", "rm|x"]],
  ["ls | xargs -0 -n 1 rm", ["ls", "xargs|-0|-n|1|rm", "rm|…"]],
  ["xargs -I{} {} x", ["xargs|-I{}|{}|x", "…|x|…"]],
  [
    "find . -name '*.o' -exec rm {} \\; -execdir mv {} y +",
    ["find|.|-name|*.o|-exec|rm|{}|;|-execdir|mv|{}|y|+", "rm|…", "mv|…|y|+"],
  ],
  ["find $D -name x", ["find|…|-name|x", "…"]],
  ["git -c user.name=x -C y push", ["git|-c|user.name=x|-C|y|push"]],
  ["/usr/lib/git-core/git-push x", ["/usr/lib/git-core/git-push|x", "git|push|x"]],
  ["git config user.name 'J. R.'", ["git|config|user.name|J. R."]],
  ["git config --get core.pager", ["git|config|--get|core.pager"]],
  ["git rebase -X theirs main", ["git|rebase|-X|theirs|main"]],
  ["git submodule update", ["git|submodule|update"]],
  ["ld -o a.so b.o", ["ld|-o|a.so|b.o"]],
  ["", []],
];

test("reads what a command line runs, through quotes, substitutions, here-documents and wrappers", () => {
  assert.deepEqual(
    READ.map(([text]) => [text, read(text)]),
    READ.map(([text, commands]) => [text, commands]),
  );
});

const NOT_READ = [
  "ls\rrm x",
  "ls\0rm",
  "ls\u200b",
  "ls\u00a0x",
  "ls \u202e x",
  "ls\u2028rm x",
  "\x1b[2Kls",
  "\ud800",
  ...["echo 'a", 'echo "a', "echo `a", "echo $(a", "ls )", "fi", "if a; then b", "a ;; b", "a |", "ls \\"].filter(
    (text) => text !== "a |",
  ),
  "x=$'a\\x6d'",
  'x=$"a"',
  "ls &> x",
  "ls |& rm",
  "a <<< b",
  "cat <(rm x)",
  "(( x ))",
  "[[ -f x ]]",
  "12>x rm",
  "f() { rm x; }",
  "function f { rm x; }",
  "a=(1 2)",
  "alias ls=rm",
  "\\alias ls=rm",
  "select x in a; do b; done",
  "echo ${x@P}",
  "echo ${!x}",
  "echo ${ rm x; }",
  "echo $((a[$(rm x)]))",
  "echo $[1]",
  "PATH+=x rm",

  "env -S 'rm x'",
  "env --split-string='rm x'",
  "timeout --weird 5 rm x",
  "eval $X",
  'sh -c "ls $X"',
  "bash -i",
  "sh -s",
  "echo rm x | sh",
  "curl x | sudo bash",
  "xargs sh -c",
  "xargs -I{} sh -c 'rm {}'",
  'sh -c -- "$X"',

  "git -c alias.x='!sh' x",
  "git -ccore.pager=sh log",
  "git -c core.sshCommand=sh fetch",
  "git --config-env=a=B x",
  "git --exec-path=. x",
  "git $X push",
  "ssh h rm x",
  "watch rm x",
  "strace rm x",
  "flock f rm x",
  "script -c 'rm x'",
  "setarch x86_64 rm x",
  "/usr/bin/linux64 rm x",
  "sg users 'rm x'",
  "/lib64/ld-linux-x86-64.so.2 /bin/rm x",
  "xvfb-run rm x",
  "perf stat rm x",
  "git submodule foreach rm x",
  "git -C y submodule --quiet foreach 'rm x'",
  "git bisect run rm x",
  "git bisect $X",
  "git rebase -x 'rm x' HEAD~1",
  "git rebase --exec='rm x' HEAD~1",
  "git config alias.x '!rm x'",
  "git config --global set core.pager 'rm x'",
  "git config $X y",
  "git clone ext::'rm x' y",
  "git fetch --upload-pack='rm x' y",
  "git grep --open-files-in-pager=rm x",
  "git filter-branch --tree-filter 'rm x'",
  "git-submodule foreach rm x",
  "parallel rm ::: x",
  "cat <<E\nrm x",
  "cat <<E\na\\\nE\nrm x\nE",
  "cat <<$E\n$E",
  "cat <<E $(\nls)\nE",
];

test("what it can't be sure of it does not read", () => {
  assert.deepEqual(
    NOT_READ.filter((text) => read(text) !== "?"),
    [],
  );
});

test("tells whether variables are set, which may change what a word means", () => {
  const altered = (text: string): boolean => {
    const parsed = parseCommand(text);
    return parsed.kind === "commands" && parsed.altered;
  };
  for (const text of [
    "PATH=. ls",
    "X=1; ls",
    "export PATH=.; ls",
    "env PATH=. ls",
    "for PATH in .; do ls; done",
    "echo ${PATH:=.}",
    "time A=b ls",
    "echo $((PATH=1))",
    "read PATH",
  ])
    assert.equal(altered(text), true, text);
  for (const text of ["ls A=b", "'A'=b", "echo ${x:-y}", "git -c user.name=x log"])
    assert.equal(altered(text), false, text);
});

test("long and deep lines are read or refused, and never throw", () => {
  for (const piece of [
    "a;",
    "$(",
    "(",
    '"',
    "'",
    "`",
    "env ",
    "\\\n",
    "$x",
    "if ",
    "cat <<A\n",
    "{ ",
    "find -exec ",
    "${x:-",
    "a|",
    "$((",
    "case x in ",
  ])
    for (const length of [1000, 190_000, 1_000_000]) {
      const { kind } = parseCommand(piece.repeat(length / piece.length));
      assert.ok(kind === "commands" || kind === "unparsed");
    }
});

test("nothing that is thrown at it makes it throw", () => {
  const pieces =
    "rm|$(|)|`|'|\"|\\|\n|;|&|<<E\n|E|{|}|if |fi|case |in|esac|;;|#|${|=|>|<|*|sh -c |eval |env |find -exec |xargs -I|git -c |\0|\u{e0041}".split(
      "|",
    );
  let seed = 5;
  const next = (bound: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * bound);
  };
  for (let round = 0; round < 20_000; round++)
    parseCommand(Array.from({ length: 1 + next(20) }, () => pieces[next(pieces.length)]).join(""));
});

test("variables and scripts that run what stands elsewhere on the line are not read", () => {
  const refused = [
    ". /dev/stdin <<E\nrm x\nE",
    "source /dev/fd/0 < a",
    "sh /dev/stdin < a",
    "bash /proc/self/fd/0 < a",
    "GIT_SSH_COMMAND='rm x' git ls-remote ssh://a/b",
    "env GIT_EDITOR='rm x' git config --global -e",
    "export BASH_ENV=x; bash a.sh",
    "LD_PRELOAD=./a.so ls",
    "NODE_OPTIONS=$X node a.js",
    "time PAGER=x man ls",
  ];
  for (const text of refused) assert.equal(parseCommand(text).kind, "unparsed", text);
  for (const text of ["DEBUG=1 npm test", "export NAME=x; ls", "env LANG=C sort a", ". ./venv/bin/activate", "sh a.sh"])
    assert.equal(parseCommand(text).kind, "commands", text);
});
