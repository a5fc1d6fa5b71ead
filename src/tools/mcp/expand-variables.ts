import { isSecretName } from "../gate/secrets-of.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type Expanded =
  | {
      readonly ok: true;
      readonly text: string /** Values of variables whose names say so. */;
      readonly secrets: readonly string[];
    }
  | { readonly ok: false; readonly why: string };

const VARIABLE = /\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}/g;
const INPUT = /\$\{input:[^}]*\}/;

/**
 * Replaces `${VAR}`, `${env:VAR}` and `${VAR:-default}`, once: what comes in is not looked at again. A variable that is
 * not set and has no default is what is wrong. Pure.
 */
export function expandVariables(text: string, env: Environment): Expanded {
  const secrets: string[] = [];
  const missing = new Set<string>();
  const expanded = text.replaceAll(VARIABLE, (_, name: string, fallback: string | undefined) => {
    const value = env[name] || fallback;
    if (value === undefined) missing.add(name);
    else if (isSecretName(name)) secrets.push(value);
    return value ?? "";
  });
  const [first] = missing;
  if (first !== undefined)
    return {
      ok: false,
      why: `needs the environment variable ${first}, which is not set; set it, or write \${${first}:-default}`,
    };
  if (INPUT.test(text))
    return { ok: false, why: "has ${input:…}, and ATOS asks for no inputs; write ${VAR} and set that variable" };
  return { ok: true, text: expanded, secrets };
}
