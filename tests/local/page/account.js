// The account: balances, plan, open holds, statement and purchases.

import { html, nothing } from "./vendor/lit-html.js";
import { accountPath, call, local, reason } from "./api.js";
import { button } from "./button.js";
import {
  KINDS,
  credits,
  dayOf,
  dollars,
  isZero,
  kindName,
  minuteOf,
  number,
  secondOf,
  short,
  signed,
  skuName,
  work,
} from "./format.js";
import { endHold } from "./job.js";
import { act, notify, now, openHolds, state, update } from "./state.js";

/** How many entries are shown at first. */
const ENTRIES_SHOWN = 10;

const shown = { showsAllEntries: false, chartKind: "playground" };

/** Which kind of credits the chart shows. */
export const chartKind = () => shown.chartKind;

function figure(kind) {
  const { account } = state;
  const held = account?.held[kind] ?? 0;
  return html`
    <div class="figure"><dt>${kindName(kind)}</dt>
      <dd><span id=${`balance-${kind}`}>${account ? number(account.balance[kind]) : "…"}</span>
        ${held > 0 ? html`<small id=${`held-${kind}`}>and ${number(held)} held</small>` : nothing}</dd></div>`;
}

const STATUSES = { none: "none", active: "active", past_due: "past due", canceled: "canceled" };

function facts() {
  const { account } = state;
  if (!account) return nothing;
  const fact = (name, value, id) => html`<div><dt>${name}</dt><dd id=${id}>${value}</dd></div>`;
  return html`
    <dl class="facts">
      ${fact("Plan", account.plan ? skuName(account.plan) : "none", "plan")}
      ${fact("Status", STATUSES[account.plan_status] ?? account.plan_status, "plan-status")}
      ${fact("Paid through", account.paid_through ? dayOf(account.paid_through) : "–", "paid-through")}
      ${fact("Next refill", account.next_refill_at ? dayOf(account.next_refill_at) : "–", "next-refill")}
      ${fact("Keeps Tune models longer", account.entitlements.extended_tune_storage ? "yes" : "no", "entitled")}
    </dl>`;
}

function holds() {
  const open = openHolds();
  if (open.length === 0) return html`<p class="quiet" id="no-holds">No open holds.</p>`;
  return html`
    <ul class="holds" id="holds">${open.map((hold) => {
      const minutes = Math.max(1, Math.ceil((Date.parse(hold.expires_at) - now()) / 60000));
      const taken = Object.fromEntries(KINDS.map((kind) => [kind, -hold.credits[kind]]));
      return html`
        <li><p><strong>${credits(taken)}</strong> for ${work(hold.operation)}
            <br><small>until ${minuteOf(hold.expires_at)} UTC, ${minutes} min left</small></p>
          <div class="buttons">
            ${button("Capture", () => endHold(hold, "capture"), { look: "small", label: `Capture ${hold.reference}` })}
            ${button("Release", () => endHold(hold, "release"), { look: "small", label: `Release ${hold.reference}` })}
          </div></li>`;
    })}</ul>`;
}

/** An entry's name, for people. */
function title(entry) {
  const bought = () => state.purchases.find((purchase) => purchase.purchase_id === entry.reference);
  const lines = () =>
    bought()
      ?.lines.map((line) => (line.quantity > 1 ? `${line.quantity} × ` : "") + skuName(line.sku))
      .join(", ") || short(entry.reference);
  const spent =
    entry.credits_spent && !isZero(entry.credits_spent) ? `; ${credits(entry.credits_spent)} were spent already` : "";
  switch (entry.kind) {
    case "purchase":
      return `Bought ${lines()}`;
    case "refill":
      return "The month's allowance";
    case "expiry":
      return "Unused credits of the old month expired";
    case "debit":
      return `Debit: ${work(entry.operation)}`;
    case "hold":
      return `Held: ${work(entry.operation)}`;
    case "capture":
      return `Captured: ${work(entry.operation)}`;
    case "release":
      return entry.expired ? "A hold expired" : "A hold was released";
    case "reversal":
      return `Given back${entry.reason ? `: ${entry.reason}` : ""}`;
    case "adjustment":
      return `Support: ${entry.reason}`;
    case "subscription":
      return "The plan or its paid time changed";
    case "refund":
      return `Money refunded: ${lines()}${spent}`;
    case "refund_failed":
      return `A refund failed: ${lines()}`;
    case "dispute":
      return `Disputed: ${lines()}${spent}`;
    case "dispute_won":
      return `Dispute won: ${lines()}`;
    default:
      return entry.kind;
  }
}

function change(entry) {
  const kinds = KINDS.filter((kind) => entry.credits[kind]);
  if (kinds.length === 0) return html`<span class="quiet">no change</span>`;
  return kinds.map(
    (kind) => html`
    <span class=${entry.credits[kind] < 0 ? "less" : "more"}
      >${signed(entry.credits[kind])}&nbsp;${kindName(kind)}</span>`,
  );
}

function low(entry) {
  return entry.low ? html`<span class="tag warn">low: ${entry.low.map(kindName).join(", ")}</span>` : nothing;
}

function statement() {
  const { entries } = state;
  if (entries.length === 0)
    return html`<p class="quiet">Nothing yet. Buy a plan in the shop, or take what the playground suggests.</p>`;
  const lines = shown.showsAllEntries ? entries : entries.slice(0, ENTRIES_SHOWN);
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Statement">
      <table id="statement" class="stacked">
        <caption class="hidden">The account's entries, newest first</caption>
        <thead><tr><th scope="col" class="right">#</th><th scope="col">When (UTC)</th><th scope="col">What</th>
          <th scope="col">Change</th>
          <th scope="col" class="right">Balance after<br>
            <small>${KINDS.map(kindName).join(" · ")}</small></th></tr></thead>
        <tbody>${lines.map(
          (entry) => html`
          <tr data-kind=${entry.kind}>
            <td class="right skip-phone">${entry.sequence}</td><td class="nowrap">${secondOf(entry.at)}</td>
            <td class="first">${title(entry)} ${low(entry)}</td>
            <td class="change second">${change(entry)}</td>
            <td class="right nowrap">${KINDS.map((kind) => number(entry.balance[kind])).join(" · ")}</td></tr>`,
        )}</tbody>
      </table>
    </div>
    ${
      entries.length > ENTRIES_SHOWN
        ? html`
      <button type="button" class="link" id="all-entries" @click=${() => {
        shown.showsAllEntries = !shown.showsAllEntries;
        update();
      }}>${shown.showsAllEntries ? "Show fewer" : `Show all ${entries.length}`}</button>`
        : nothing
    }`;
}

const refundPart = (purchase, cents) =>
  act(`refund ${purchase.purchase_id}`, async () => {
    await local("refund", { purchase_id: purchase.purchase_id, cents });
    notify(`Stripe sent ${dollars(cents)} back.`);
  });

const dispute = (purchase, step) =>
  act(`dispute ${purchase.purchase_id}`, () => local("dispute", { purchase_id: purchase.purchase_id, step }));

/** The 30-day guarantee, by support's token. */
const moneyBack = (purchase) =>
  act(`money back ${purchase.purchase_id}`, async () => {
    const path = accountPath(state.accountId, `/purchases/${encodeURIComponent(purchase.purchase_id)}/refund`);
    const answer = await call("POST", path, { token: state.tokens.support, body: { reason: "changed their mind" } });
    if (!answer.ok) throw new Error(reason(answer));
    notify(`${dollars(answer.body.amount)} back, ${credits(answer.body.credits_revoked)} revoked.`);
  });

const TONES = { paid: "good", partly_refunded: "warn", refund_pending: "warn", refunded: "plain", disputed: "bad" };

function purchaseRow(purchase) {
  const money = state.local?.payments[purchase.purchase_id];
  const left = money ? money.amount - money.refunded - money.disputed : 0;
  const half = Math.floor(left / 2);
  const what = purchase.lines
    .map((line) => (line.quantity > 1 ? `${line.quantity} × ` : "") + skuName(line.sku))
    .join(", ");
  const does = (text, doing, isPossible = true) =>
    button(text, doing, { look: "small", label: `${text}: ${what}`, isOff: !isPossible });
  const back = money?.refunded ? html`<br><small>${dollars(money.refunded)} refunded</small>` : nothing;
  const revoked = [
    isZero(purchase.credits_revoked) ? "" : `${credits(purchase.credits_revoked)} revoked`,
    isZero(purchase.credits_spent) ? "" : `${credits(purchase.credits_spent)} were spent already`,
  ]
    .filter(Boolean)
    .join(", ");
  return html`
    <tr data-sku=${purchase.lines[0]?.sku}>
      <td class="nowrap">${minuteOf(purchase.paid_at)}</td>
      <td class="first">${what}${revoked ? html`<br><small>${revoked}</small>` : nothing}</td>
      <td class="right second">${dollars(purchase.amount)}${back}</td>
      <td><span class="tag ${TONES[purchase.status] ?? "plain"}">${purchase.status.replace("_", " ")}</span></td>
      <td class="wide"><div class="buttons end">${
        !money
          ? html`<small>not of this shop</small>`
          : money.is_dispute_open
            ? html`${does("Dispute won", () => dispute(purchase, "won"))}
                ${does("Dispute lost", () => dispute(purchase, "lost"))}`
            : html`${does("Refund half", () => refundPart(purchase, half), half > 0)}
            ${does("Money back", () => moneyBack(purchase), left > 0)}
            ${does("Dispute", () => dispute(purchase, "open"), left > 0)}`
      }</div></td>
    </tr>`;
}

function purchases() {
  if (state.purchases.length === 0) return html`<p class="quiet">Nothing bought yet.</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Purchases">
      <table id="purchases" class="stacked">
        <caption class="hidden">What the account bought, newest first</caption>
        <thead><tr><th scope="col">Paid (UTC)</th><th scope="col">What</th>
          <th scope="col" class="right">Price</th><th scope="col">Status</th>
          <th scope="col"><span class="hidden">Do</span></th></tr></thead>
        <tbody>${state.purchases.map(purchaseRow)}</tbody>
      </table>
    </div>`;
}

export function accountView() {
  return html`
    <div class="two">
      <div class="card">
        <dl class="figures">${KINDS.map(figure)}</dl>
        ${facts()}
        <h3>Open holds</h3>
        ${holds()}
      </div>
      <div class="card">
        <div class="row">
          <h3>Balance over time</h3>
          <fieldset class="choice compact"><legend class="hidden">Kind of credits</legend>
            ${KINDS.map(
              (kind) => html`
              <label class="chip"><input type="radio" name="chart" .checked=${shown.chartKind === kind}
                @change=${() => {
                  shown.chartKind = kind;
                  update();
                }}><span>${kindName(kind)}</span></label>`,
            )}
          </fieldset>
        </div>
        <div id="chart" class="chart" role="img"></div>
      </div>
    </div>
    <div class="card"><h3>Statement</h3>${statement()}</div>
    <div class="card"><h3>Purchases</h3>${purchases()}</div>`;
}
