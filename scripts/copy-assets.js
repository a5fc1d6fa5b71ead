// What tsc does not compile and the compiled code reads at run time: migrations, test runners and git settings.
import { cpSync, globSync } from "node:fs";

for (const file of globSync("src/**/*.{sql,py,mjs,gitconfig}")) cpSync(file, file.replace(/^src/, "dist"));
