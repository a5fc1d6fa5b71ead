import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Db } from "../store/database.ts";
import { type Approval, findApproval, openApprovals } from "../store/approvals.ts";
import type { Build } from "../store/builds.ts";
import { answerQuestion } from "../tools/gate/answer-question.ts";
import { showUnseen } from "../tools/gate/call-text.ts";
import { requireLanguage } from "../tools/find-language.ts";
import { buildRequestSchema } from "../workflows/build-request.ts";
import { PLAN_TOOL } from "../workflows/limits.ts";
import { type PlanEdit, type ShownPlan, shownPlanSchema } from "../workflows/plan-question.ts";
import { planEditOf, type Standing } from "../workflows/read-plan-edit.ts";
import { checkedApproval, MAX_REASON_CHARS, whoAnswers } from "./approve.ts";
import { editPlan, type Edited } from "./edit-plan.ts";
import { planLines } from "./plan-lines.ts";
import type { PlanTerminal } from "./plan-terminal.ts";

export type PlanDesk = {
  readonly db: Db;
  readonly build: Build;
  /** Folder for what is being edited. */
  readonly root: string;
  readonly terminal: PlanTerminal;
};

/** `closed`: it was answered elsewhere, is over, or the build is being stopped. `left`: nobody is at the terminal any more. */
export type PlanAsked = "answered" | "closed" | "left";

const POLL_MS = 250;
const MAX_LINES = 1000;

/** The open question of a build about its plan, if there is one. */
export async function findPlanQuestion(db: Db, buildId: string): Promise<Approval | undefined> {
  const open = await openApprovals(db, new Date());
  return open.find((approval) => approval.buildId === buildId && approval.tool === PLAN_TOOL);
}

/**
 * Shows plan and tests and asks: accept, edit, or stop. Ends without an answer as soon as there is nothing to answer
 * any more.
 *
 * @throws what the database throws when it goes away.
 */
export async function askAboutPlan(desk: PlanDesk, approval: Approval, stop: AbortSignal): Promise<PlanAsked> {
  checkedApproval(approval);
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  const watching = watch(desk.db, approval.id, signal).then(
    () => over.abort(new Error("the question is closed")),
    (error: unknown) => over.abort(error),
  );
  try {
    return await converse(desk, approval, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    const still = await findApproval(desk.db, approval.id);
    if (still !== undefined && still.state !== "open") sayClosed(desk.terminal, still);
    return "closed";
  } finally {
    over.abort();
    await watching;
  }
}

/** Returns when the question is not open any more. */
async function watch(db: Db, id: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const found = await findApproval(db, id);
    if (found?.state !== "open") return;
    await setTimeout(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

async function converse(desk: PlanDesk, approval: Approval, signal: AbortSignal): Promise<PlanAsked> {
  const { terminal } = desk;
  const shown = shownPlanSchema.parse(approval.shown);
  await page(terminal, planLines(shown), signal);
  const canEdit = shown.editsLeft > 0;
  const question = canEdit ? "accept, edit or stop? [a/e/s] " : "accept or stop? [a/s] ";
  for (let lines = 0; lines < MAX_LINES; lines++) {
    const word = (await terminal.ask(`\n${question}`, signal))?.trim().toLowerCase();
    if (word === undefined) return "left";
    if (/^(?:a|accept)$/.test(word)) return answer(desk, approval, { decision: "approved" });
    if (/^(?:s|stop)$/.test(word)) {
      const reason = await terminal.ask("why? (Enter: no reason) ", signal);
      return answer(desk, approval, { decision: "denied", ...(reason?.trim() ? { reason: reason.trim() } : {}) });
    }
    if (!canEdit || !/^(?:e|edit)$/.test(word)) continue;
    const edited = await edit(desk, shown, signal);
    if (edited !== undefined) return send(desk, approval, edited);
  }
  return "left";
}

function edit({ build, root, terminal }: PlanDesk, shown: ShownPlan, signal: AbortSignal): Promise<Edited | undefined> {
  const { languages, repository, domain } = buildRequestSchema.parse(build.request);
  const standing: Standing = {
    ...shown,
    language: requireLanguage(shown.spec.language, languages),
    isNew: repository === undefined,
    languages,
    closedDomain: domain !== undefined,
    // The worker knows them, and looks.
    existing: { paths: new Set(), texts: new Set() },
  };
  return editPlan(terminal, { standing, begin: shown.rejected?.edit ?? planEditOf(shown), root }, signal);
}

/** What a person has written is removed when it has arrived, and not before. */
async function send(desk: PlanDesk, approval: Approval, { edit: changed, folder }: Edited): Promise<PlanAsked> {
  let asked: PlanAsked = "closed";
  try {
    asked = await answer(desk, approval, { decision: "approved", reason: "edited", answer: changed });
  } finally {
    if (asked === "answered") await rm(folder, { recursive: true, force: true });
    else desk.terminal.say(`what you have written is kept in ${folder}`);
  }
  return asked;
}

type Said = { readonly decision: "approved" | "denied"; readonly reason?: string; readonly answer?: PlanEdit };

async function answer({ db, terminal }: PlanDesk, { id, hash }: Approval, said: Said): Promise<PlanAsked> {
  const reason = said.reason === undefined ? {} : { reason: showUnseen(said.reason).slice(0, MAX_REASON_CHARS) };
  const reply = { ...said, ...reason, id, hash, by: whoAnswers(), at: new Date() };
  const answered = await answerQuestion(db, reply);
  if (answered.kind === "answered") return "answered";
  if (answered.kind === "closed") sayClosed(terminal, answered.approval);
  return "closed";
}

function sayClosed(terminal: PlanTerminal, { state, answeredBy }: Approval): void {
  terminal.say(`the question is ${state}${answeredBy === undefined ? "" : ` by ${answeredBy}`}`);
}

/** Shows lines a screen at a time. */
async function page(terminal: PlanTerminal, lines: readonly string[], signal: AbortSignal): Promise<void> {
  const atOnce = Math.max(5, terminal.rows - 3);
  for (let from = 0; from < lines.length; from += atOnce) {
    terminal.say(lines.slice(from, from + atOnce).join("\n"));
    const left = lines.length - from - atOnce;
    if (left <= 0) return;
    const word = await terminal.ask(`-- ${left} lines more: Enter, or q to go to the question -- `, signal);
    if (word === undefined || /^q/i.test(word.trim())) return;
  }
}
