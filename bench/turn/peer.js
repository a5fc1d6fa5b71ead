// One peer in a process of its own: node bench/turn/peer.js NAME BASE_URL MODEL, started by run.js.
// Does as many runs as it is told, and tells what each round cost.
import { answerOf } from "./script.js";
import { callsSoFar } from "./peers/tools.js";

const [name, baseUrl, model] = process.argv.slice(2);
const [file, client] = name.split(".");
const { setup } = await import(`./peers/${file}.js`);
const agentRun = await setup({ baseUrl, model, client });
const tokens = Number(model.split("-")[1]);
let run = 0;

process.on("message", (runs) => {
  void round(runs).then(
    (done) => process.send(done),
    (error) => process.send({ fault: error.stack }),
  );
});
process.on("disconnect", () => process.exit());
process.send("ready");

async function round(runs) {
  const walls = [];
  const callsBefore = callsSoFar();
  const before = process.cpuUsage();
  for (let left = runs; left > 0; left--) {
    const started = performance.now();
    const text = await agentRun(++run);
    walls.push(performance.now() - started);
    if (text !== answerOf(run, tokens).join("")) throw new Error(`a wrong answer: ${JSON.stringify(text)}`);
  }
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000 / runs, walls, calls: callsSoFar() - callsBefore };
}
