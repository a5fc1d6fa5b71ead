// What tsc does not compile and the compiled code reads at run time: migrations and test runners.
import { cpSync, globSync } from "node:fs";

for (const file of globSync("src/**/*.{sql,py,mjs}")) cpSync(file, file.replace(/^src/, "dist"));
