// The stack's clock: moved forward, with renewals, events and the monthly refill on the way.

import { html, nothing } from "./vendor/lit-html.js";
import { local } from "./api.js";
import { button } from "./button.js";
import { minuteOf, number, secondOf } from "./format.js";
import { act, notify, now, state, update } from "./state.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const shown = { runsSchedule: true, moved: null };

const nextMonth = () => {
  const at = new Date(now());
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1);
};

/** Moves the clock, and keeps what happened on the way to show it. */
function move(time) {
  return act("move", async () => {
    const from = now();
    const to = new Date(time).toISOString();
    const moved = await local("clock", { to, runs_schedule: shown.runsSchedule });
    shown.moved = { from, ...moved };
    notify(`It is ${secondOf(moved.now)} UTC.`);
  });
}

function report() {
  const { moved } = shown;
  if (!moved) return nothing;
  const events = moved.events.length;
  return html`
    <div class="note" id="moved">
      <p><strong>From ${minuteOf(moved.from)} to ${minuteOf(moved.now)}.</strong>
        Events of Stripe on the way: ${number(events)}.</p>
      ${moved.refills.map(
        (counts) => html`
        <p>The monthly refill of ${counts.period}: ${["due", "refilled", "expired", "already_settled", "failed"]
          .map((name) => `${number(counts[name])} ${name.replace("_", " ")}`)
          .join(", ")}.</p>`,
      )}
    </div>`;
}

export function clockView() {
  const on = (id, text, time) => button(text, () => move(time()), { id });
  const ahead = state.local?.ahead_seconds ?? 0;
  return html`
    <div class="card">
      <p class="time"><time id="now" datetime=${new Date(now()).toISOString()}>${secondOf(now())}</time> UTC
        <small>${ahead > 60 ? "ahead of this machine's clock" : "as this machine's clock"}</small></p>
      <div class="buttons">
        ${on("move-15", "15 minutes on", () => now() + 15 * MINUTE + 1000)}
        ${on("move-day", "A day on", () => now() + DAY)}
        ${on("move-end", "The month's last minute", () => Math.max(nextMonth() - MINUTE, now()))}
        ${on("move-month", "The 1st, just after midnight", () => nextMonth() + 1000)}
        ${on("move-30", "30 days on", () => now() + 30 * DAY)}
      </div>
      <form class="buttons" @submit=${(event) => {
        event.preventDefault();
        const value = new FormData(event.target).get("to");
        if (value) move(`${value}Z`);
      }}>
        <label class="quantity">Any moment (UTC) <input type="datetime-local" name="to" id="move-to" required></label>
        <button type="submit" id="move-go">Go there</button>
      </form>
      <label class="switch"><input type="checkbox" role="switch" id="switch-schedule" .checked=${shown.runsSchedule}
        @change=${(event) => {
          shown.runsSchedule = event.target.checked;
          update();
        }}>
        <span class="track" aria-hidden="true"></span>
        <span>The monthly schedule runs<small>Without it the month turns all the same: in what is read, and in the next
          entry.</small></span></label>
      ${report()}
      <p class="quiet">It moves forward only, as Stripe's test clocks do. Requests from elsewhere see the same time.</p>
    </div>`;
}
