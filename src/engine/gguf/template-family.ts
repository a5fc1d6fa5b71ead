/** Families of chat templates, by how they set a message apart. */
export type TemplateFamily = (typeof FAMILIES)[number]["family"] | "unknown";

/** In this order: what a family is known by may also stand in templates of those after it. */
const FAMILIES = [
  { family: "llama3", mark: /<\|start_header_id\|>/ },
  { family: "phi", mark: /<\|im_sep\|>|<\|assistant\|>[^]*<\|end\|>|<\|end\|>[^]*<\|assistant\|>/ },
  { family: "qwen", mark: /Qwen[^]*<\|im_start\|>|<\|im_start\|>[^]*(?:Qwen|<tool_response>|<\|vision_start\|>)/ },
  { family: "chatml", mark: /<\|im_start\|>/ },
  { family: "deepseek", mark: /<｜(?:User|Assistant)｜>/ },
  { family: "gemma", mark: /<start_of_turn>|<\|turn>/ },
  { family: "harmony", mark: /<\|channel\|>/ },
  { family: "granite", mark: /<\|start_of_role\|>/ },
  { family: "command", mark: /<\|START_OF_TURN_TOKEN\|>/ },
  { family: "glm", mark: /\[gMASK\]/ },
  { family: "llama2", mark: /<<SYS>>/ },
  { family: "mistral", mark: /\[INST\]/ },
  { family: "zephyr", mark: /<\|user\|>/ },
] as const;

/** Says which family a chat template (`tokenizer.chat_template`) belongs to, by the marks in its text. Pure. */
export function templateFamily(template: string): TemplateFamily {
  return FAMILIES.find(({ mark }) => mark.test(template))?.family ?? "unknown";
}
