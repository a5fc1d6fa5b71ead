// usage: strip-types.mjs MARK FILE... — prints one JSON line behind the mark: each file's text with its types blanked out.
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

const [mark, ...files] = process.argv.slice(2);
const stripped = [];
for (const file of files) {
  try {
    stripped.push({ file, code: stripTypeScriptTypes(readFileSync(file, "utf8")) });
  } catch {
    // A file that can't be parsed has no code to change.
  }
}
process.stdout.write(`\n${mark}${JSON.stringify({ stripped })}\n`);
