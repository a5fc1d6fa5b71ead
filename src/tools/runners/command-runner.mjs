// usage: command-runner.mjs MARK JOB... — runs one command and prints one JSON line behind the mark: what it wrote, how
// it ended, and the files that say what it was about. JOB is JSON, in as many parts as it takes: command, env, folders (before PATH), sources (files to
// show), coverage (whether the command writes to {coverage}), only (test files beside which no other may be:
// those that match its pattern are out of the way meanwhile).
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, posix, resolve } from "node:path";

// Of each stream; the host's limit on the whole report must have room for both.
const MAX_OUTPUT = 8_000_000;
const MAX_SOURCE = 100_000;
const MAX_COVERAGE = 2_000_000;

const [mark, ...parts] = process.argv.slice(2);
const job = JSON.parse(parts.join(""));
const places = {
  cache: join(process.cwd(), ".check-cache"),
  temporary: tmpdir(),
  coverage: join(tmpdir(), "atos-coverage"),
};
const filled = (word) => word.replace(/\{(cache|temporary|coverage)\}/g, (_, name) => places[name]);
const env = Object.fromEntries(Object.entries(job.env).map(([name, value]) => [name, filled(value)]));
const PATH = [...job.folders.map((folder) => resolve(folder)), process.env.PATH].join(delimiter);
if (JSON.stringify(job).includes("{cache}")) mkdirSync(places.cache, { recursive: true });

const aside = job.only === undefined ? [] : othersBeside(job.only);
for (const file of aside) renameSync(file, `${file}.aside`);
const [program, ...words] = job.command.map(filled);
const child = spawn(program, words, { env: { ...process.env, ...env, PATH }, stdio: ["ignore", "pipe", "pipe"] });
const output = { stdout: "", stderr: "" };
let cut = false;
for (const name of ["stdout", "stderr"]) {
  child[name].setEncoding("utf8");
  child[name].on("data", (chunk) => {
    const whole = output[name] + chunk;
    // What went wrong is told at the end.
    output[name] = whole.length > 2 * MAX_OUTPUT ? whole.slice(-MAX_OUTPUT) : whole;
    cut ||= whole.length > MAX_OUTPUT;
  });
}
const ended = await new Promise((resolve) => {
  child.on("error", (error) => resolve({ missing: error.code === "ENOENT", exitCode: null, error: error.message }));
  child.on("close", (exitCode) => resolve({ missing: false, exitCode }));
});
for (const file of aside) renameSync(`${file}.aside`, file);
const value = {
  ...ended,
  cut,
  stdout: output.stdout.slice(-MAX_OUTPUT),
  stderr: `${output.stderr.slice(-MAX_OUTPUT)}${ended.error ?? ""}`,
  folder: process.cwd(),
  sources: Object.fromEntries(job.sources.map((file) => [file, textOf(file, MAX_SOURCE)])),
  coverage: job.coverage ? textOf(places.coverage, MAX_COVERAGE) : "",
};
process.stdout.write(`\n${mark}${JSON.stringify(value)}\n`);

function othersBeside({ files, pattern }) {
  const folders = new Set(files.map((file) => posix.dirname(file)));
  const found = [...folders].flatMap((folder) => readdirSync(folder).map((name) => posix.join(folder, name)));
  return found.filter((file) => new RegExp(pattern, "u").test(file) && !files.includes(file));
}

function textOf(file, size) {
  try {
    return readFileSync(file, "utf8").slice(0, size);
  } catch {
    return "";
  }
}
