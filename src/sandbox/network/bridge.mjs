// Runs inside the sandbox, before the command: hands connections to a port of the sandbox's own loopback on to the
// proxy's unix socket outside, and ends as the command ends. Plain Node, for nothing else is in there.
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import { constants } from "node:os";

const [socketPath = "", port = "", command = "", ...args] = process.argv.slice(2);

const server = createServer({ allowHalfOpen: true }, (client) => {
  const proxy = connect({ path: socketPath, allowHalfOpen: true });
  client.pipe(proxy).pipe(client);
  for (const [one, other] of [
    [client, proxy],
    [proxy, client],
  ]) {
    one.on("error", () => other.destroy());
    one.on("close", () => one.readableEnded || other.destroy());
  }
});

server.on("error", (error) => {
  process.stderr.write(`atos: the way to the network could not be opened: ${error.message}\n`);
  process.exit(1);
});

server.listen(Number(port), "127.0.0.1", () => {
  const child = spawn(command, args, { stdio: "inherit" });
  child.on("error", (error) => {
    process.stderr.write(`${command}: ${error.code === "ENOENT" ? "No such file or directory" : error.message}\n`);
    process.exit(error.code === "ENOENT" ? 127 : 126);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
});
