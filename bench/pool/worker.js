// A thread of run.js: measures the graphs that it is sent.
import { parentPort } from "node:worker_threads";
import { measure, measureExact } from "./measure.js";

parentPort.on("message", ({ index, kind, job }) => {
  parentPort.postMessage({ index, result: kind === "exact" ? measureExact(job) : measure(job) });
});
