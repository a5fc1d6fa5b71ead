// One side in a process of its own: node bench/durable-turn/peer.js SIDE JSON, started by run.js. Holds as many
// conversations as it is told, so many side by side, and tells what they cost.
import { ANSWER } from "./script.js";

const [side, options] = process.argv.slice(2);
const [file, variant] = side.split(".");
const { setup } = await import(`./${file}.js`);
const converse = await setup({ ...JSON.parse(options), variant });
let begun = 0;

process.on("message", (asked) => {
  void round(asked).then(
    (done) => process.send(done),
    (error) => process.send({ fault: error.stack }),
  );
});
process.on("disconnect", () => process.exit());
process.send("ready");

async function round({ conversations, beside }) {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  const last = begun + conversations;
  const walls = [];
  const one = async () => {
    while (begun < last) {
      const { text, wallMs } = await converse(`${side}-${++begun}`);
      if (text !== ANSWER) throw new Error(`a wrong answer: ${text}`);
      walls.push(wallMs);
    }
  };
  await Promise.all(Array.from({ length: beside }, one));
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - startedMs, walls };
}
