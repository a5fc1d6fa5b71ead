// Serves the tools that the conformance suite calls, by ATOS's factory and HTTP server. The suite brings no token, so
// a door in front of the server adds it and passes on everything else as it came. Prints the door's address.
import { createServer, request as send } from "node:http";
import { openMcpHttp } from "../../src/server/mcp-http.ts";
import { makeMcpServer } from "../../src/tools/mcp/make-mcp-server.ts";
import { conformanceTools } from "./conformance-tools.ts";

const TOKEN = "conformance";
const tools = conformanceTools();
const { url } = await openMcpHttp(() => makeMcpServer(tools, { version: "0.0.0" }), {
  host: "127.0.0.1",
  port: 0,
  token: TOKEN,
});
const door = createServer((request, response) => {
  const headers = { ...request.headers, authorization: `Bearer ${TOKEN}` };
  const onward = send(new URL(request.url ?? "/", url), { method: request.method ?? "GET", headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
});
door.listen(0, "127.0.0.1", () => {
  const address = door.address();
  if (address !== null && typeof address === "object") process.stdout.write(`http://127.0.0.1:${address.port}/mcp\n`);
});
