import { z } from "zod";
import { defineTool, type ToolResult, type ToolServer } from "../../tool.ts";
import { sleep as clockSleep, type Sleep } from "../web/retry.ts";
import type { Webhook } from "./webhook.ts";
import { lookUp, postToWebhook, type WebhookDeps, webhookOf } from "./webhooks.ts";

export type WorkflowServerDeps = {
  readonly webhooks: Readonly<Record<string, Webhook>>;
  /** The clock. */
  readonly now: () => Date;
  /** Between attempts. Default: the clock's. */
  readonly sleep?: Sleep;
};

const MAX_PAYLOAD_CHARACTERS = 64 * 1024;
const TEXT_CHARACTERS = 2000;

const output = z.object({ status: z.int(), body: z.string(), truncated: z.boolean(), attempts: z.int() });

/** Workflows of n8n or any other program that listens for webhooks, each under a name that a person gave it. */
export function openWorkflowServer(deps: WorkflowServerDeps): ToolServer {
  const names = Object.keys(deps.webhooks);
  const known = names.length === 0 ? "None is configured." : `Configured: ${names.join(", ")}.`;
  return {
    name: "workflow",
    instructions: `Calls workflows by their configured names. ${known}`,
    tools: [callWorkflowTool({ sleep: clockSleep, ...deps })],
  };
}

function callWorkflowTool(deps: WebhookDeps) {
  return defineTool({
    name: "call_workflow",
    title: "Call a workflow",
    description:
      "Start a configured workflow by its name with a JSON payload. Acts outside; only when the task asks for it.",
    input: z.strictObject({
      name: z.string().min(1).max(100),
      payload: z.record(z.string().max(200), z.unknown()),
    }),
    output,
    annotations: { readOnly: false, destructive: true, idempotent: false, openWorld: true },
    effect: "external",
    example: { name: "notify", payload: { message: "Build is green" } },
    run: async ({ name, payload }, { signal, idempotencyKey }): Promise<ToolResult<z.output<typeof output>>> => {
      const webhook = webhookOf(deps.webhooks, name);
      if (webhook === undefined) return { ok: false, why: unknownName(name, Object.keys(deps.webhooks)) };
      const body = JSON.stringify(payload);
      if (body.length > MAX_PAYLOAD_CHARACTERS) {
        const why = `The payload has ${body.length} characters; ${MAX_PAYLOAD_CHARACTERS} are the most. Send less.`;
        return { ok: false, why };
      }
      const { answer, attempts } = await postToWebhook(deps, { webhook, key: idempotencyKey, body }, signal);
      const tried = attempts === 1 ? "" : `, after ${attempts} attempts`;
      if (answer.kind === "failed") {
        const arrived = answer.isSent ? "; whether it was received is not known, so do not call it again" : "";
        return {
          ok: false,
          why: `The workflow ${name} did not answer: ${hideHost(answer.why, webhook)}${tried}${arrived}.`,
        };
      }
      const text = answer.body.toString("utf8");
      const short = text.length > TEXT_CHARACTERS ? `${text.slice(0, TEXT_CHARACTERS)}… (cut)` : text;
      const { status } = answer;
      if (status < 200 || status > 299) {
        return { ok: false, why: `The workflow ${name} answered ${status}${tried}: ${short}` };
      }
      const result = { status, body: text, truncated: answer.isCut, attempts };
      return { ok: true, output: result, text: `The workflow ${name} answered ${status}: ${short}` };
    },
    reconcile: async ({ name }, { signal, idempotencyKey }) => {
      const state = await lookUp(deps, { name, key: idempotencyKey }, signal);
      if (state.kind === "not-done") return { kind: "repeat" };
      if (state.kind !== "done") return state;
      const result = { status: state.status, body: state.body, truncated: false, attempts: 0 };
      return {
        kind: "done",
        result: { ok: true, output: result, text: `The workflow ${name} was carried out before.` },
      };
    },
  });
}

function unknownName(name: string, names: readonly string[]): string {
  const known = names.length === 0 ? "None is configured; go on without." : `Use one of: ${names.join(", ")}.`;
  return `There is no workflow named ${JSON.stringify(name)}. ${known}`;
}

/** Where a webhook is stays with the person: such addresses often hold a secret. */
function hideHost(why: string, webhook: Webhook): string {
  const { host, hostname } = new URL(webhook.url);
  return why.replaceAll(host, "its server").replaceAll(hostname, "its server");
}
