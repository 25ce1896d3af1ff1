// The state of the page. Code that changes it calls `update`, and the page is drawn once after all changes of a moment.

import { accountPath, call, local, reason } from "./api.js";

export const state = {
  catalog: null,
  accountId: "ada@example.com",
  /** The account that was chosen last, while its tokens are asked for. */
  chosenId: null,
  tokens: null,
  account: null,
  entries: [],
  purchases: [],
  /** The answer of `/local/state`, and when it came. */
  local: null,
  localAt: 0,
  /** The action that is running, so that its button is not pressed twice. */
  busy: null,
};

let draw = () => {};
let isDue = false;

export function onUpdate(drawing) {
  draw = drawing;
}

export function update(change = {}) {
  Object.assign(state, change);
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    draw();
  });
}

/** The stack's time, in milliseconds since 1970. */
export function now() {
  if (!state.local) return Date.now();
  return Date.parse(state.local.now) + (performance.now() - state.localAt);
}

/** Shows a short message, which screen readers read out. */
export function notify(text, tone = "") {
  const notice = document.getElementById("notice");
  notice.className = `notice ${tone}`;
  notice.textContent = text;
  notice.hidden = false;
  clearTimeout(notify.timer);
  notify.timer = setTimeout(() => {
    notice.hidden = true;
  }, 7000);
}

/** Does something that a button asks for, shows what went wrong, and reads everything again. */
export async function act(name, doing) {
  if (state.busy) return;
  update({ busy: name });
  const problems = [];
  const attempt = async (what, prefix) => {
    try {
      await what();
    } catch (error) {
      problems.push(`${prefix}${error.message}`);
    }
  };
  try {
    await attempt(doing, "");
    await attempt(refresh, "What is shown may be old, since it could not be read again: ");
    if (problems.length > 0) notify(problems.join(". "), "bad");
  } finally {
    update({ busy: null });
  }
}

let asked = 0;
let answered = 0;

/** Reads what only the local stack knows: the clock, payments, events. An answer that was overtaken is of no use. */
export async function refreshLocal() {
  const mine = ++asked;
  const known = await local("state");
  if (mine < answered) return;
  answered = mine;
  update({ local: known, localAt: performance.now() });
}

let reading = 0;

/** Reads the account, its entries and purchases as its user sees them. */
export async function refreshAccount() {
  const mine = ++reading;
  const { accountId, tokens } = state;
  if (!tokens) return;
  const read = async (rest) => {
    const answer = await call("GET", accountPath(accountId, rest), { token: tokens.user });
    if (!answer.ok) throw new Error(reason(answer));
    return answer.body;
  };
  const [account, { entries }, { purchases }] = await Promise.all([
    read(""),
    read("/entries?limit=100"),
    read("/purchases?limit=100"),
  ]);
  if (mine === reading) update({ account, entries, purchases });
}

export async function refresh() {
  await Promise.all([refreshLocal(), refreshAccount()]);
}

/** Whether the account has entries that were not read yet, from a request elsewhere. */
export async function hasNews() {
  const { accountId } = state;
  const { sequence } = await local(`accounts/${encodeURIComponent(accountId)}`);
  return accountId === state.accountId && sequence !== (state.entries[0]?.sequence ?? 0);
}

let choices = 0;

/** Begins to act for an account. Of several that are chosen quickly the last one counts. */
export async function become(accountId) {
  const mine = ++choices;
  update({ chosenId: accountId });
  try {
    const tokens = await local("tokens", { account_id: accountId });
    if (mine !== choices) return;
    update({ accountId, tokens, account: null, entries: [], purchases: [], job: null });
  } finally {
    if (mine === choices) update({ chosenId: null });
  }
  await refresh();
}

/** The open holds (neither ended nor expired), oldest first. */
export function openHolds() {
  const ended = new Set(state.entries.map((entry) => entry.hold_sequence).filter(Boolean));
  const isOpen = (entry) => entry.kind === "hold" && !ended.has(entry.sequence) && Date.parse(entry.expires_at) > now();
  return state.entries.filter(isOpen).reverse();
}
