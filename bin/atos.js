#!/usr/bin/env node
// Plain JavaScript, and the first thing that runs: what can be answered without ATOS is answered here.
import { existsSync, readFileSync } from "node:fs";
import module from "node:module";

const MIN_NODE = 24;

if (Number(process.versions.node.split(".")[0]) < MIN_NODE) {
  process.stderr.write(
    `atos: Node ${MIN_NODE} or newer is needed; this is ${process.version}. From a clone, ./atos brings its own; otherwise: npm install -g node@${MIN_NODE}\n`,
  );
  process.exit(3);
}
if (process.argv.length === 3 && process.argv[2] === "--version") {
  process.stdout.write(`${JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version}\n`);
} else {
  module.enableCompileCache();
  // A clone runs its sources, a package what was compiled from them.
  const sources = new URL("../src/cli/main.ts", import.meta.url);
  await import(existsSync(sources) ? sources.href : new URL("../dist/cli/main.js", import.meta.url).href);
}
