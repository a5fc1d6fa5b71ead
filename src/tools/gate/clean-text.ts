// oxlint-disable no-control-regex -- they are what is looked for
/*
 * Escape sequences of terminals: with parameters, with a text that ends with BEL or ST, and short ones. A text without
 * its end is no sequence: only its beginning goes.
 */
const SEQUENCES =
  /(?:\x1b\[|\x9b)[0-?]{0,256}[ -/]{0,16}[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)|\x1b[ -/]{0,16}[0-~]/g;
const CONTROLS = /[^\P{Cc}\n\t]/gu;
/** Written and not seen, or turning the order of what is seen: enough to hide a text from people and tell it to models. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\ufff9-\ufffb]/gu;

/**
 * Marks that chat formats are made of. A backslash behind their first letter makes each plain text, and a reader still
 * sees what stood there.
 */
const MARKS = [
  // Special tokens: `<|im_start|>`, `<|python_tag|>`, `<｜tool▁calls▁begin｜>`, `<|tool_response>`, `<turn|>`.
  /<(?=[|｜]\/?[^\s<>|｜]{1,64}[|｜]?>|[^\s<>|｜]{1,64}[|｜]>)/g,
  // Tags of calls, results, thoughts and turns, also with the name of their model before them.
  /<(?=\s{0,4}\/?\s{0,4}(?:[a-z][\w.-]{0,19}:)?(?:tool[_-]?(?:calls?|response|results?|outputs?)|function[_-]?(?:calls?|response|results?)|function=|parameter=|(?:invoke|parameter)\b|arg_(?:key|value)|think(?:ing)?\b|reasoning\b|observation\b|start_of_turn|end_of_turn|start_function_call|fim_\w+>|unused\d+>|(?:bos|eos|pad|unk|sop|eop|s)>))/gi,
  /<(?=<\/?SYS>>)/gi,
  /\[(?=\/?(?:INST|TOOL_CALLS?|TOOL_RESULTS?|TOOL_CONTENT|AVAILABLE_TOOLS|SYSTEM_PROMPT|ARGS|CALL_ID|THINK|IMG|g?MASK|sMASK|PREFIX|MIDDLE|SUFFIX)\])/gi,
] as const;
/** What the older format begins its lines with. */
const LABELS = /^([ \t>*_#]{0,8}(?:Observation|Action(?: Input)?|Thought|Final Answer))(?=[*_]{0,3}[ \t]{0,3}:)/gm;

/** Takes out what no one would see of a text: escape sequences, control characters but line breaks and tabs, invisible characters. Pure, linear. */
export function visibleText(text: string): string {
  return text
    .replace(SEQUENCES, "")
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, "\n")
    .replace(CONTROLS, "")
    .replace(UNSEEN, "")
    .toWellFormed();
}

/** Makes plain text of the marks by which a model would take a part of it for a turn, a call, or the end of a result. Pure, linear. */
export function withoutMarks(text: string): string {
  const plain = MARKS.reduce((rest, mark) => rest.replace(mark, "$&\\"), text);
  return plain.replace(LABELS, "$1\\");
}
