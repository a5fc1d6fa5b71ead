import { type AtosError, missingError } from "../base/errors.ts";

/** Why a goal was refused, what can be done, and how to get a model that can do more. */
export function outsideDomain(domain: string): AtosError {
  return missingError(
    "workflows/outside-domain",
    `this goal is outside what the built-in model can do. It is atos-nano, a tiny model for a closed domain:\n${domain}\n` +
      "For anything else set up a real model:\n" +
      "  a server (Ollama, vLLM, llama.cpp, LM Studio):  atos build … --model http://127.0.0.1:11434/v1#qwen2.5-coder:7b\n" +
      "  a GGUF file:                                    atos build … --model ./qwen2.5-coder-7b-instruct-q4_k_m.gguf\n" +
      "  once and for all:                               ATOS_MODEL, or model: in the settings file (atos config show)",
  );
}
