// The tools as each framework wants them. Only read_file is ever called; it counts its calls.
import { z } from "zod";
import { readFile, tools } from "../script.js";

let called = 0;

export function callsSoFar() {
  return called;
}

export function callTool(name, { path }) {
  if (name !== "read_file") throw new Error(`a call of ${name}, which nobody asked for`);
  called++;
  return readFile(path);
}

/** Each tool with its schema as JSON, without what only ATOS reads. */
export const plainTools = tools.map(({ name, description, parameters }) => ({
  name,
  description,
  parameters: { ...parameters, properties: withoutMarks(parameters.properties) },
}));

/** Each tool with its schema for zod, which the frameworks check arguments by. */
export const zodTools = plainTools.map(({ name, description, parameters }) => ({
  name,
  description,
  schema: z.fromJSONSchema(parameters),
}));

function withoutMarks(properties) {
  return Object.fromEntries(
    Object.entries(properties).map(([key, property]) => [
      key,
      Object.fromEntries(Object.entries(property).filter(([name]) => !name.startsWith("x-"))),
    ]),
  );
}
