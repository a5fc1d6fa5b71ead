import type { BoundedSchema, Property } from "../json-schema-check.ts";

/**
 * Writes the GBNF grammar of the JSON texts that fit `schema`. Properties come in the schema's order;
 * optional ones may be left out. Between tokens there may be one space, or one line break with up to
 * 20 spaces, so that the grammar can't be satisfied by blanks for ever.
 *
 * Not the library's own translation: that one has no optional properties, lets integers have an
 * exponent, and ends only after four line breaks.
 */
export function schemaGrammar(schema: BoundedSchema): string {
  const rules: string[] = [];
  const add = (body: string): string => {
    const name = `r${rules.length}`;
    rules.push(`${name} ::= ${body}`);
    return name;
  };
  return [`root ::= ${write(schema, add)}`, ...rules, ...PRIMITIVES].join("\n");
}

type AddRule = (body: string) => string;
type Repetition = { readonly rule: string; readonly least: number; readonly most: number };
type ArraySchema = Extract<BoundedSchema, { readonly kind: "array" }>;

const REPEATS_AT_ONCE = 1000;

const PRIMITIVES = [
  String.raw`ws ::= ( " " | "\n" [ ]{0,20} )?`,
  String.raw`char ::= [^"\\\x00-\x1F\x7F] | "\\" ( ["\\/bfnrt] | "u" [0-9a-fA-F]{4} )`,
  `integer ::= "-"? ( "0" | [1-9] [0-9]{0,14} )`,
  `number ::= integer ( "." [0-9]{1,15} )? ( [eE] [-+]? [0-9]{1,2} )?`,
  `boolean ::= "true" | "false"`,
  `null ::= "null"`,
];

function write(schema: BoundedSchema, add: AddRule): string {
  switch (schema.kind) {
    case "literals":
      return add(schema.values.map((value) => quote(JSON.stringify(value))).join(" | "));
    case "string":
      return add(`${QUOTE} ${repeat({ rule: "char", least: schema.minLength, most: schema.maxLength }, add)} ${QUOTE}`);
    case "any-of":
      return add(schema.options.map((option) => write(option, add)).join(" | "));
    case "array":
      return add(`"[" ws ${items(schema, add)} "]"`);
    case "object":
      return add(`"{" ws ${members(schema.properties, add)} "}"`);
    case "integer":
    case "number":
    case "boolean":
    case "null":
      return schema.kind;
  }
}

const QUOTE = String.raw`"\""`;

function items({ items: item, minItems, maxItems }: ArraySchema, add: AddRule): string {
  if (maxItems === 0) return "";
  const one = write(item, add);
  const further = { rule: add(`"," ws ${one} ws`), least: Math.max(0, minItems - 1), most: maxItems - 1 };
  const some = `${one} ws ${repeat(further, add)}`;
  return minItems === 0 ? `( ${some} )?` : some;
}

/** Two rules for each property, from the last to the first: what follows when there was one before it, and when not. */
function members(properties: readonly Property[], add: AddRule): string {
  let rest = { afterOther: "", asFirst: "" };
  for (const { name, required, schema } of properties.toReversed()) {
    const member = add(`${quote(JSON.stringify(name))} ws ":" ws ${write(schema, add)} ws`);
    const here = { afterOther: `"," ws ${member} ${rest.afterOther}`, asFirst: `${member} ${rest.afterOther}` };
    rest = required
      ? { afterOther: add(here.afterOther), asFirst: add(here.asFirst) }
      : {
          afterOther: add(orElse(here.afterOther, rest.afterOther)),
          asFirst: add(orElse(here.asFirst, rest.asFirst)),
        };
  }
  return rest.asFirst;
}

function orElse(some: string, other: string): string {
  return other === "" ? `( ${some} )?` : `${some} | ${other}`;
}

/** Repeats one rule. In parts: llama.cpp refuses 2000 repetitions, and takes more than that for any number. */
function repeat({ rule, least, most }: Repetition, add: AddRule): string {
  if (most === 0) return "";
  if (most <= REPEATS_AT_ONCE) return add(`${rule}{${least},${most}}`);
  const part = add(`${rule}{${REPEATS_AT_ONCE}}`);
  const left = { rule, least: Math.max(0, least - REPEATS_AT_ONCE), most: most - REPEATS_AT_ONCE };
  const longer = `${part} ${repeat(left, add)}`;
  return add(least >= REPEATS_AT_ONCE ? longer : `${add(`${rule}{${least},${REPEATS_AT_ONCE}}`)} | ${longer}`);
}

/** A text as a GBNF literal. */
function quote(text: string): string {
  const escaped = text.replace(/["\\]/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`);
  return `"${escaped}"`;
}
