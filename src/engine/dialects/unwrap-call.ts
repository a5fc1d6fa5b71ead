import { type ArgumentForm, argumentForm } from "./argument-form.ts";
import { ARGUMENT_KEYS, NAME_KEYS } from "./call-object.ts";
import type { Why } from "./reading.ts";
import type { Source } from "./source.ts";

/** Arguments, and what is wrong with them if anything is. */
export type Unwrapped = { readonly form: ArgumentForm; readonly problem: { readonly problem?: Why } };

/**
 * One dialect inside another: where the arguments are a whole call themselves, its arguments count when it
 * names the same tool; when it names another, nothing is chosen.
 */
export function unwrapCall(source: Source, name: string, form: ArgumentForm): Unwrapped {
  const properties = source.tool(name)?.parameters.properties ?? {};
  const named = form.named.find(
    ([key, value]) => NAME_KEYS.includes(key) && value.kind === "string" && !Object.hasOwn(properties, key),
  );
  const inner = form.named.find(([key]) => ARGUMENT_KEYS.includes(key) && !Object.hasOwn(properties, key));
  if (named?.[1].kind !== "string" || (inner === undefined && source.tool(named[1].value) === undefined))
    return { form, problem: {} };
  const tool = source.tool(named[1].value);
  if (inner === undefined || tool === undefined || tool !== source.tool(name))
    return { form, problem: { problem: "ambiguous" } };
  return { form: argumentForm(inner[1]), problem: {} };
}
