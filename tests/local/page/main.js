// Starts the page: reads the catalog and the account, and draws each section when something changed.

import { html, render } from "./vendor/lit-html.js";
import { accountView, chartKind } from "./account.js";
import { call } from "./api.js";
import { drawChart } from "./chart.js";
import { clockView } from "./clock.js";
import { secondOf } from "./format.js";
import { insideView } from "./inside.js";
import { askPrice, playgroundView } from "./playground.js";
import { shopView } from "./shop.js";
import { become, hasNews, now, notify, onUpdate, openHolds, refresh, refreshLocal, state, update } from "./state.js";

/** How often the local stack is asked what happened elsewhere, in a shell say. */
const LOOK_MS = 2000;

const place = (id) => document.getElementById(id);

function who() {
  const accounts = state.local?.accounts ?? [state.accountId];
  return html`
    <label><span class="hidden">Act for account</span>
      <select id="accounts" @change=${(event) => become(event.target.value).then(askPrice, failed)}>
        ${accounts.map((id) => html`<option value=${id} ?selected=${id === state.accountId}>${id}</option>`)}
      </select></label>
    <a class="now" href="#clock"><span class="hidden">The stack's clock: </span>${secondOf(now())}</a>`;
}

/** Sets the select to what is so: after a change that failed, lit-html sees nothing to change. */
function showAccount() {
  const select = place("accounts");
  const chosen = state.chosenId ?? state.accountId;
  if (select.value !== chosen) select.value = chosen;
}

onUpdate(() => {
  place("top").setAttribute("aria-busy", String(Boolean(state.busy)));
  render(who(), place("who"));
  showAccount();
  render(playgroundView(), place("playground-body"));
  render(accountView(), place("account-body"));
  render(shopView(), place("shop-body"));
  render(clockView(), place("clock-body"));
  render(insideView(), place("inside-body"));
  drawChart(place("chart"), chartKind());
});

const failed = (error) => notify(error.message, "bad");

/** A text that differs once the clock was moved, or events were sent, elsewhere. */
const mark = () =>
  JSON.stringify([state.local?.ahead_seconds, state.local?.events.map(({ id, attempts }) => [id, attempts])]);

let holds = 0;

async function look() {
  if (document.visibilityState !== "visible" || state.busy) return;
  const before = mark();
  await refreshLocal();
  const isNew = await hasNews();
  const open = openHolds().length;
  if (isNew || !state.account || mark() !== before || open !== holds) await refresh().then(askPrice);
  holds = open;
}

async function start() {
  update();
  const catalog = await call("GET", "/v1/catalog");
  update({ catalog: catalog.body });
  await become(state.accountId);
  askPrice();
  document.documentElement.dataset.ready = "true";
  setInterval(() => look().catch(() => {}), LOOK_MS);
  setInterval(() => update(), 1000);
}

addEventListener("resize", () => update());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => update());
start().catch(failed);
