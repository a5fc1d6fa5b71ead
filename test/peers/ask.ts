import type { GenerateRequest, Model, ModelPart } from "../../src/engine/model.ts";

export const never: AbortSignal = new AbortController().signal;

export const request: GenerateRequest = {
  messages: [
    { role: "system", content: "Be short." },
    { role: "user", content: "Hello, who are you?" },
  ],
  maxTokens: 200,
  temperature: 0,
  seed: 1,
};

export type Heard = {
  readonly text: string;
  readonly reasoning: string;
  readonly end: Extract<ModelPart, { readonly kind: "end" }>;
};

export async function ask(model: Model, changes: Partial<GenerateRequest> = {}, signal = never): Promise<Heard> {
  let text = "";
  let reasoning = "";
  for await (const part of model.generate({ ...request, ...changes }, signal)) {
    if (part.kind === "end") return { text, reasoning, end: part };
    if (part.kind === "text") text += part.text;
    else reasoning += part.text;
  }
  throw new Error("the reply had no end");
}
