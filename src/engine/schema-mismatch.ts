import type { BoundedSchema } from "./json-schema-check.ts";

/**
 * Says why `text` is no JSON of this shape, or `undefined` when it is. Lengths count characters, as
 * JSON Schema does, not UTF-16 units.
 */
export function schemaMismatch(text: string, schema: BoundedSchema): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return `it is no JSON: ${error.message}`;
    throw error;
  }
  return mismatch(value, schema, "it");
}

// oxlint-disable-next-line max-lines-per-function -- one case for each kind of schema
function mismatch(value: unknown, schema: BoundedSchema, at: string): string | undefined {
  switch (schema.kind) {
    case "literals":
      return schema.values.some((literal) => literal === value) ? undefined : `${at} is none of the listed values`;
    case "null":
      return value === null ? undefined : `${at} is not null`;
    case "boolean":
      return typeof value === "boolean" ? undefined : `${at} is no boolean`;
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? undefined : `${at} is no number`;
    case "integer":
      return Number.isSafeInteger(value) ? undefined : `${at} is no integer`;
    case "string":
      if (typeof value !== "string") return `${at} is no string`;
      return outside(Array.from(value).length, [schema.minLength, schema.maxLength], `${at} has a length`);
    case "array":
      if (!Array.isArray(value)) return `${at} is no array`;
      return (
        outside(value.length, [schema.minItems, schema.maxItems], `${at} has a number of items`) ??
        firstOf(value.map((item: unknown, index) => () => mismatch(item, schema.items, `${at}[${index}]`)))
      );
    case "object": {
      if (!isRecord(value)) return `${at} is no object`;
      const known = new Set(schema.properties.map(({ name }) => name));
      const other = Object.keys(value).find((name) => !known.has(name));
      if (other !== undefined) return `${at} has the unknown property ${JSON.stringify(other)}`;
      return firstOf(
        schema.properties.map((property) => () => {
          if (Object.hasOwn(value, property.name))
            return mismatch(value[property.name], property.schema, `${at}.${property.name}`);
          return property.required ? `${at} lacks the property ${JSON.stringify(property.name)}` : undefined;
        }),
      );
    }
    case "any-of": {
      const reasons = schema.options.map((option) => mismatch(value, option, at));
      return reasons.includes(undefined) ? undefined : reasons.join(", and ");
    }
  }
}

function outside(size: number, [least, most]: readonly [number, number], what: string): string | undefined {
  return size >= least && size <= most ? undefined : `${what} of ${size}, outside ${least} to ${most}`;
}

function firstOf(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const found = check();
    if (found !== undefined) return found;
  }
  return undefined;
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
