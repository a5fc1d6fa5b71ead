import { type AtosError, missingError } from "../base/errors.ts";

/** Why a goal was refused, what can be done, and how to get a model that can do more. */
export function outsideDomain(domain: string): AtosError {
  return missingError(
    "workflows/outside-domain",
    `this goal is outside what the built-in model can do. It is atos-nano, a tiny model for a closed domain:\n${domain}\n` +
      `For anything else set up a real model:\n${REAL_MODEL}`,
  );
}

/** Why a goal inside the domain was refused all the same; `why` is what was wrong with the model's last try. */
export function beyondModel(why: string): AtosError {
  return missingError(
    "workflows/beyond-model",
    `the built-in model knows such functions, but did not get this goal right (its last try: ${why}). Say it more plainly, a common name for the function often helps, or set up a real model:\n${REAL_MODEL}`,
  );
}

const REAL_MODEL =
  "  a server (Ollama, vLLM, llama.cpp, LM Studio):  atos build … --model http://127.0.0.1:11434/v1#qwen2.5-coder:7b\n" +
  "  a GGUF file:                                    atos build … --model ./qwen2.5-coder-7b-instruct-q4_k_m.gguf\n" +
  "  once and for all:                               ATOS_MODEL, or model: in the settings file (atos config show)";
