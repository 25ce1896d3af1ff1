// One job: its credits are held and captured, or debited, through the API; and what may go wrong with it, does.

import { html, nothing } from "./vendor/lit-html.js";
import { accountPath, call, local, reason } from "./api.js";
import { button } from "./button.js";
import { credits, isZero, minuteOf, work } from "./format.js";
import { act, refresh, state, update } from "./state.js";

/** How long the pretended work takes. */
const WORK_MS = 600;
/** How many pictures are drawn, at most. */
const TILES_MAX = 24;

const pause = (ms) =>
  new Promise((done) => {
    setTimeout(done, ms);
  });

/** A job of the present account: all of its requests are for that account, whichever is chosen meanwhile. */
const newJob = (key, operation, { isHeld, failure = null }) => ({
  accountId: state.accountId,
  tokens: state.tokens,
  key,
  operation,
  isHeld,
  failure,
  steps: [],
  calls: [],
  tiles: null,
  made: 0,
  isOver: false,
  /** Whether its first request may have taken credits, and no answer shows it. */
  isUnknown: false,
});

/** How many pieces are made and can fail by themselves: a Tune is trained or it is not. */
const pieces = ({ operation, images, prompts }) => (operation === "train_tune" ? 1 : (images ?? prompts ?? 1));

/** Does the work, as an app and its backend would. */
export function generate({ operation, isHeld, loses, failure }) {
  return act("generate", async () => {
    const job = newJob(`job-${crypto.randomUUID().slice(0, 8)}`, operation, { isHeld, failure });
    update({ job });
    await run(job, loses);
  });
}

/** Sends a job's first request again, with the same key, and goes on from its answer. */
const sendAgain = (job) => act("send again", () => run(job, false));

async function run(job, loses) {
  job.isOver = false;
  try {
    await play(job, loses);
  } finally {
    job.isOver = true;
    update();
  }
  if (job === state.job) {
    document.getElementById("job")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
}

async function play(job, loses) {
  const { failure } = job;
  const begun = await begin(job, loses);
  if (!begun) return;
  const count = pieces(job.operation);
  const made = failure === "all" || failure === "dies" ? 0 : failure === "half" ? Math.floor(count / 2) : count;
  job.tiles = Math.min(Math.max(job.operation.images ?? job.operation.prompts ?? 1, 1), TILES_MAX);
  update();
  // The work goes on, even if the page could not read what is new.
  await refresh().catch(() => {});
  await pause(WORK_MS);
  job.made = made;
  if (isZero(begun.body.credits)) {
    step(job, "good", "Done, free of charge", "What is free takes no credits and leaves no entry.");
  } else if (job.isHeld) {
    await settle(job, begun, { count, failure });
  } else {
    await giveBack(job, begun, { count });
  }
}

/** Sets the credits aside, or takes them; if the answer gets lost, asks again with the same key. None if it ends there,
 * refused or unknown. */
async function begin(job, loses) {
  const send = () =>
    asUser(job, accountPath(job.accountId, job.isHeld ? "/holds" : "/debits"), job.operation, job.key);
  const first = await send();
  const took = job.isHeld ? "set aside" : "taken";
  if (isRefused(first) && !job.isUnknown) {
    const missing = first.body?.shortfall ? ` Missing: ${credits(first.body.shortfall)}.` : "";
    step(job, "bad", "Refused, and nothing was taken", `${reason(first)}${missing}`, first);
    return null;
  }
  if (!first.ok) return unknown(job, first);
  job.isUnknown = false;
  if (!loses) {
    const until = job.isHeld ? ` until ${minuteOf(first.body.expires_at)} UTC` : "";
    step(job, "good", `${credits(first.body.credits)} ${took}${until}`, `Key ${job.key}. ${left(first)}`, first);
    return first;
  }
  step(
    job,
    "warn",
    "The answer got lost",
    "The request went out; whether it worked, the app can't know.",
    first,
    "lost",
  );
  await pause(WORK_MS);
  const again = await send();
  // The first request may have worked, whatever is wrong with the second.
  if (!again.ok) return unknown(job, again);
  const same = again.text === first.text ? "the same answer, byte for byte" : "another answer";
  const once = ` ${credits(again.body.credits)} ${took}, once.`;
  step(job, "good", `Asked again with the same key: ${same}`, `Key ${job.key}.${once} ${left(again)}`, again);
  return again;
}

/** Whether an answer says that nothing was done. A server's failure, or no answer, does not say it. */
const isRefused = ({ status }) => status >= 400 && status < 500;

/** Why a request failed, as a sentence. */
const sentence = (answer) => `${reason(answer).replace(/\.$/, "")}.`;

/** Marks a job whose credits may have been taken: it can be sent again. */
function unknown(job, answer) {
  job.isUnknown = true;
  const note = `${sentence(answer)} Sent again with the key ${job.key}, it takes the credits once, whatever happened.`;
  step(job, "warn", "It isn't known whether credits were taken", note, answer);
  return null;
}

/** Ends a hold as the work went. */
async function settle(job, begun, { count, failure }) {
  const path = accountPath(job.accountId, `/holds/${encodeURIComponent(job.key)}`);
  if (failure === "dies") {
    const until = minuteOf(begun.body.expires_at);
    step(
      job,
      "warn",
      "The worker died, and the hold is neither captured nor released",
      `The hold is over at ${until} UTC, and the credits come back by themselves. Move the clock to see it.`,
    );
    return;
  }
  if (job.made === 0) {
    const released = await asBackend(job, `${path}/release`, {});
    outcome(
      job,
      released,
      "warn",
      "The job failed: the hold is released",
      () => `${credits(released.body.returned)} back.`,
    );
    return;
  }
  const unit = job.operation.prompts === undefined ? "images" : "prompts";
  const part = job.made < count;
  const captured = await asBackend(job, `${path}/capture`, part ? { [unit]: job.made } : {});
  const title = part
    ? `${job.made} of ${count} ${unit} were made: these are captured`
    : "The job is done: the hold is captured";
  outcome(job, captured, part ? "warn" : "good", title, () => {
    const back = isZero(captured.body.returned) ? "" : `, ${credits(captured.body.returned)} back`;
    return `${credits(captured.body.captured)} taken${back}.`;
  });
}

/** Reverses what a debit took for work that failed. */
async function giveBack(job, begun, { count }) {
  if (job.made === count) {
    step(job, "good", "The job is done", "The credits were taken before it, so nothing is left to do.");
    return;
  }
  const failed = count - job.made;
  const share = Object.fromEntries(
    Object.entries(begun.body.credits).map(([kind, amount]) => [kind, (amount / count) * failed]),
  );
  const body = { reason: `${failed} of ${count} failed`, ...(job.made > 0 ? { credits: share } : {}) };
  const path = accountPath(job.accountId, `/debits/${encodeURIComponent(job.key)}/reversals`);
  const reversed = await asBackend(job, path, body, `${job.key}-reversal`);
  const title =
    job.made > 0 ? `${failed} of ${count} failed: their credits are reversed` : "The job failed: the debit is reversed";
  outcome(job, reversed, "warn", title, () => `${credits(reversed.body.credits)} back.`);
}

function outcome(job, answer, tone, title, note) {
  if (answer.ok) step(job, tone, title, `${note()} ${left(answer)}`, answer);
  else if (isRefused(answer)) step(job, "bad", "Refused, and nothing changed", reason(answer), answer);
  else step(job, "bad", "It isn't known whether this was done", `${sentence(answer)} Look at the statement.`, answer);
}

const left = (answer) => (answer.body?.balance ? `Left: ${credits(answer.body.balance)}.` : "");

function step(job, tone, title, note, answer = null, chip = null) {
  const status = answer && `${answer.status}${answer.replayed ? " · Idempotent-Replayed: true" : ""}`;
  job.steps.push({ tone, title, note, chip: chip ?? status });
  update();
}

/** With the user's own token: it may read, debit and hold. */
const asUser = (job, path, body, key) => sent(job, path, { as: "user", token: job.tokens.user, body, key });
/** With the backend's, which alone may settle: an end user could make work free with it. */
const asBackend = (job, path, body, key) => sent(job, path, { as: "backend", token: job.tokens.backend, body, key });

async function sent(job, path, request) {
  const answer = await call("POST", path, request).catch((error) => noAnswer(path, request, error));
  job.calls.push(answer);
  if (answer.requestId) readLog(answer);
  return answer;
}

/** What stands for an answer if there is none: it shows as such. */
const noAnswer = (path, { as, key, body }, error) => ({
  method: "POST",
  path,
  as,
  key,
  request: body,
  ok: false,
  status: "no answer",
  replayed: false,
  text: "",
  body: { message: error.message },
  ms: 0,
});

/** Adds what the function logged of a request, for "How it works". */
async function readLog(answer) {
  answer.log = await local(`calls/${answer.requestId}`).catch(() => null);
  update();
}

/** Ends an open hold from the list of the account. */
export function endHold(hold, how) {
  return act(`${how} ${hold.reference}`, async () => {
    const job = { ...newJob(hold.reference, hold.operation, { isHeld: true }), isOver: true };
    const path = accountPath(job.accountId, `/holds/${encodeURIComponent(hold.reference)}/${how}`);
    const answer = await asBackend(job, path, {});
    if (how === "capture") {
      outcome(job, answer, "good", "The hold is captured", () => `${credits(answer.body.captured)} taken.`);
    } else {
      outcome(job, answer, "good", "The hold is released", () => `${credits(answer.body.returned)} back.`);
    }
    if (job.accountId === state.accountId) update({ job });
  });
}

export function jobView() {
  const { job } = state;
  if (!job) return nothing;
  return html`
    <div class="card job" id="job" data-over=${String(job.isOver)}>
      <h3>The job <small>${work(job.operation)}</small></h3>
      ${job.tiles ? html`<div class="tiles" aria-hidden="true">${tiles(job)}</div>` : nothing}
      <ol class="steps" aria-label="What happened" aria-live="polite">
        ${job.steps.map(
          ({ tone, title, note, chip }) => html`
          <li class=${tone}>
            <p><strong>${title}</strong> ${chip ? html`<span class="tag ${tone}">${chip}</span>` : nothing}</p>
            <p class="quiet">${note}</p></li>`,
        )}
      </ol>
      ${
        job.isUnknown
          ? html`
        <div class="buttons">
          ${button("Send again with the same key", () => sendAgain(job), { id: "send-again" })}
        </div>`
          : nothing
      }
    </div>`;
}

const tiles = (job) => Array.from({ length: job.tiles }, (_, at) => tile(job, at));

/** A picture that is being made, was made, or failed. */
function tile(job, at) {
  const isKnown = job.isOver || job.made > 0;
  const made = Math.ceil((job.made / pieces(job.operation)) * job.tiles);
  const look = !isKnown ? "waits" : at < made ? `art-${at % 8}` : "failed";
  return html`<span class="tile ${look}"></span>`;
}
