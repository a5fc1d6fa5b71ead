// usage: check-typescript.mjs MARK FILE... — prints one JSON line of syntax problems behind the mark.
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

const [mark, ...files] = process.argv.slice(2);
const problems = [];
for (const file of files) {
  try {
    stripTypeScriptTypes(readFileSync(file, "utf8"));
  } catch (error) {
    problems.push({ file, message: `${error.name}: ${error.message} (${file})` });
  }
}
process.stdout.write(`\n${mark}${JSON.stringify({ problems })}\n`);
