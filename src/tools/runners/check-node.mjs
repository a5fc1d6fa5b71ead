// usage: node --experimental-vm-modules check-node.mjs MARK FILE... — prints one JSON line of syntax problems behind the
// mark. Files are parsed and not run.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { compileFunction, SourceTextModule } from "node:vm";

/** Files whose lines are looked up: a process each. */
const MAX_PLACES = 5;

const [mark, ...files] = process.argv.slice(2);
const problems = [];
for (const file of files) {
  const text = readFileSync(file, "utf8");
  try {
    if (/\.[cm]?ts$/.test(file)) stripTypeScriptTypes(text);
    else parseJavaScript(text, file);
  } catch (error) {
    const place = file.endsWith("ts") || problems.length >= MAX_PLACES ? file : placeIn(file);
    problems.push({ file, message: `${error.name}: ${error.message} (${place})` });
  }
}
process.stdout.write(`\n${mark}${JSON.stringify({ problems })}\n`);

/** As a module or, where it can be one, as CommonJS. */
function parseJavaScript(text, file) {
  const source = text.replace(/^#!/, "//");
  try {
    new SourceTextModule(source, { identifier: file });
  } catch (error) {
    if (file.endsWith(".mjs") || /^\s*(?:import|export)\b/m.test(source)) throw error;
    compileFunction(source, ["exports", "require", "module", "__filename", "__dirname"], { filename: file });
  }
}

/** A module's error does not tell its line; what Node prints before it does. */
function placeIn(file) {
  const { stderr } = spawnSync(process.execPath, ["--check", `./${file}`], { encoding: "utf8" });
  const line = /^\S.*:(\d+)$/m.exec(stderr ?? "")?.[1];
  return line === undefined ? file : `${file}, line ${line}`;
}
