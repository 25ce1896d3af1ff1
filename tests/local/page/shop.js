// The shop: plans, packs, the subscription, and the provider's events as they arrive.

import { html, nothing } from "./vendor/lit-html.js";
import { local } from "./api.js";
import { button } from "./button.js";
import { KINDS, credits, dayOf, dollars, kindName, number, secondOf, short, skuName } from "./format.js";
import { act, notify, state, update } from "./state.js";

/** How many events are shown at first. */
const EVENTS_SHOWN = 8;

const shown = { interval: "month", quantities: {}, showsAllEvents: false };

const isTaken = ({ status }) => status >= 200 && status < 300;
const isHeldBack = ({ attempts }) => attempts === 0;

/** Says which events the webhook did not take; nothing if it took them all. */
function failureOf(sent) {
  const failed = sent.filter((event) => !isTaken(event) && !isHeldBack(event));
  if (failed.length === 0) return "";
  const [{ event, status, outcome }] = failed;
  const answer = status ? [status, outcome].filter(Boolean).join(" ") : "nothing";
  const rest = failed.length > 1 ? `, and ${number(failed.length - 1)} more failed` : "";
  return `The webhook did not take ${event} (it answered ${answer})${rest}. Send it again from the list of events.`;
}

/** Buys through the model of Stripe; its webhooks grant what was bought. */
export function buy(sku, quantity = 1) {
  return act(`buy ${sku}`, async () => {
    const { amount, events: sent } = await local("buy", { account_id: state.accountId, sku, quantity });
    const count = quantity > 1 ? `${quantity} × ` : "";
    const paid = amount > 0 ? `paid ${dollars(amount)}` : "nothing to pay now";
    const failure = failureOf(sent);
    const held = sent.some(isHeldBack) ? "Its events are held back." : "";
    notify([`${count}${skuName(sku)}: ${paid}.`, failure, held].filter(Boolean).join(" "), failure ? "bad" : "");
  });
}

const cancel = (when) => act(`cancel ${when}`, () => local("cancel", { account_id: state.accountId, when }));
const send = (id) =>
  act(`send ${id}`, async () => {
    const { outcome, status } = await local("events/send", { event_id: id });
    notify(`The webhook answered ${status ?? "nothing"}: ${outcome ?? "no outcome"}.`);
  });

/** Holds events back, or no longer; the switch then shows what is so, whether it worked or not. */
async function holdBack(control) {
  await act("hold back", async () => {
    const failure = failureOf(await local("events/hold-back", { is_holding_back: control.checked }));
    if (failure) notify(failure, "bad");
  });
  control.checked = state.local?.is_holding_back ?? false;
}

/** The name of a change from one price to another. */
function verb(current, sku) {
  if (!current) return "Subscribe";
  const find = (name) => state.catalog.plans.flatMap((plan) => plan.skus).find((known) => known.sku === name);
  const [from, to] = [find(current.sku), find(sku.sku)];
  if (from?.interval !== to.interval) return "Switch";
  return to.price > from.price ? "Upgrade" : "Downgrade";
}

function planCard(plan) {
  const sku = plan.skus.find((known) => known.interval === shown.interval);
  if (!sku) return nothing;
  const current = state.local?.subscriptions[state.accountId];
  const isCurrent = current?.sku === sku.sku;
  return html`
    <li class=${isCurrent ? "offer current" : "offer"}>
      <h4>${skuName(plan.plan)}</h4>
      <p class="cost"><strong>${dollars(sku.price_per_month ?? sku.price)}</strong> a month
        ${sku.interval === "year" ? html`<br><small>${dollars(sku.price)} a year</small>` : nothing}</p>
      <p>${number(plan.playground_credits)} playground credits a month</p>
      <p class="quiet">Keeps Tune models ${plan.extended_tune_storage ? "longer" : "for the usual time"}</p>
      ${button(isCurrent ? "Your plan" : verb(current, sku), () => buy(sku.sku), {
        id: `buy-${sku.sku}`,
        label: `${isCurrent ? "Your plan" : verb(current, sku)}: ${skuName(sku.sku)}`,
        isOff: isCurrent,
      })}
    </li>`;
}

function packCard(pack) {
  const cents = state.local?.pack_prices[pack.sku];
  const quantity = shown.quantities[pack.sku] ?? 1;
  return html`
    <li class="offer">
      <h4>${skuName(pack.sku)}</h4>
      <p class="cost"><strong>${cents === undefined ? "" : dollars(cents * quantity)}</strong> once</p>
      <p>${KINDS.filter((kind) => pack.credits[kind])
        .map((kind) => `${number(pack.credits[kind] * quantity)} ${kindName(kind)}`)
        .join(" and ")}
        credits</p>
      <div class="buttons">
        <label class="quantity">Quantity <input type="number" id=${`quantity-${pack.sku}`} min="1" max="99"
          .value=${String(quantity)}
          @input=${(event) => {
            const count = event.target.valueAsNumber;
            if (count >= 1 && count <= 99) {
              shown.quantities[pack.sku] = Math.floor(count);
              update();
            }
          }}></label>
        ${button("Buy", () => buy(pack.sku, quantity), { id: `buy-${pack.sku}`, label: `Buy: ${skuName(pack.sku)}` })}
      </div>
    </li>`;
}

function subscription() {
  const current = state.local?.subscriptions[state.accountId];
  if (!current) return html`<p class="quiet">No subscription of this shop.</p>`;
  const ends = current.ends_with_period;
  return html`
    <div class="row">
      <p><strong>${skuName(current.sku)}</strong> ${ends ? "ends" : "renews"} on ${dayOf(current.period_end)}.</p>
      <div class="buttons">
        ${
          ends
            ? button("Keep it", () => cancel("never"), { look: "small" })
            : button("Cancel with the period", () => cancel("period_end"), { id: "cancel-period-end", look: "small" })
        }
        ${button("Cancel now", () => cancel("now"), { id: "cancel-now", look: "small" })}
      </div>
    </div>`;
}

const TONES = { applied: "good", unchanged: "plain", ignored: "plain", parked: "warn", not_yet: "warn" };

function outcomeTag({ status, outcome, sent_at: sentAt }) {
  if (!sentAt) return html`<span class="tag warn">held back</span>`;
  return html`<span class="tag ${TONES[outcome] ?? "bad"}">${outcome ?? status ?? "no answer"}</span>`;
}

function events() {
  const all = state.local?.events ?? [];
  const isHeld = state.local?.is_holding_back ?? false;
  const lines = shown.showsAllEvents ? all : all.slice(0, EVENTS_SHOWN);
  return html`
    <div class="row">
      <h3>Events of Stripe</h3>
      <label class="switch"><input type="checkbox" role="switch" id="switch-hold-back" .checked=${isHeld}
        @change=${(event) => holdBack(event.target)}>
        <span class="track" aria-hidden="true"></span>
        <span>Hold events back<small>Send them late, in any order: the account ends the same.</small></span></label>
    </div>
    ${
      all.length === 0
        ? html`<p class="quiet">Buy something, and its events show up here.</p>`
        : html`
      <div class="scroll" tabindex="0" role="region" aria-label="Events of Stripe">
        <table id="events" class="stacked">
          <caption class="hidden">Events of Stripe, newest first, and what the webhook made of them</caption>
          <thead><tr><th scope="col">Made</th><th scope="col">Event</th><th scope="col">About</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="right">Sent</th><th scope="col"><span class="hidden">Do</span></th></tr></thead>
          <tbody>${lines.map(
            (line) => html`
            <tr><td class="nowrap">${secondOf(line.created_at)}</td><td class="mono first">${line.event}</td>
              <td class="mono skip-phone" title=${line.about}>${short(line.about)}</td>
              <td class="second">${outcomeTag(line)}</td>
              <td class="right skip-phone">${line.attempts}×</td>
              <td class="right">${button(line.sent_at ? "Send again" : "Send", () => send(line.id), {
                look: "small",
                label: `${line.sent_at ? "Send again" : "Send"}: ${line.event} of ${short(line.about)}`,
              })}</td></tr>`,
          )}</tbody>
        </table>
      </div>
      ${
        all.length > EVENTS_SHOWN
          ? html`
        <button type="button" class="link" @click=${() => {
          shown.showsAllEvents = !shown.showsAllEvents;
          update();
        }}>${shown.showsAllEvents ? "Show fewer" : `Show all ${all.length}`}</button>`
          : nothing
      }`
    }`;
}

export function shopView() {
  if (!state.catalog) return nothing;
  const intervals = [
    ["month", "Monthly"],
    ["year", "Annual"],
  ];
  return html`
    <div class="card">
      <div class="row">
        <h3>Plans</h3>
        <fieldset class="choice compact"><legend class="hidden">Billing</legend>
          ${intervals.map(
            ([value, text]) => html`
            <label class="chip"><input type="radio" name="interval" .checked=${shown.interval === value}
              @change=${() => {
                shown.interval = value;
                update();
              }}><span>${text}</span></label>`,
          )}
        </fieldset>
      </div>
      <ul class="offers">${state.catalog.plans.map(planCard)}</ul>
      ${subscription()}
      <h3>Packs</h3>
      <ul class="offers two">${state.catalog.packs.map(packCard)}</ul>
    </div>
    <div class="card">${events()}</div>`;
}
