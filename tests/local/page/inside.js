// How it works: the requests of the last job, what their functions did, and the entries they left.

import { html, nothing } from "./vendor/lit-html.js";
import { number } from "./format.js";
import { state } from "./state.js";

const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

/** The last part of a path that says what is asked: `holds/…/capture`. */
const tail = (path) => decodeURIComponent(path).replace(/^\/v1\/accounts\/[^/]+/, "…");

function row(answer) {
  const { log } = answer;
  const units = (value) => (value === undefined ? "…" : number(value));
  return html`
    <tr><td class="mono">${answer.method} ${tail(answer.path)}</td><td>${answer.as}</td>
      <td><span class="tag ${answer.ok ? "good" : "bad"}"
        >${answer.status}${answer.replayed ? ", replayed" : ""}</span></td>
      <td>${log?.function ?? "…"}</td>
      <td class="right">${units(log?.requests)}</td><td class="right">${units(log?.read_units)}</td>
      <td class="right">${units(log?.write_units)}</td>
      <td class="right nowrap">${log ? ms(log.elapsed_us / 1000) : "…"}</td>
      <td class="right nowrap">${ms(answer.ms)}</td></tr>`;
}

function steps(answer) {
  const { log } = answer;
  const isNew = answer.ok && !answer.replayed;
  const claim = /\/(holds|debits)$|\/reversals$/.test(answer.path) ? ", claim the key" : "";
  const key = answer.key ? html` with the key <code>${answer.key}</code>` : nothing;
  const requests = log ? number(log.requests) : "…";
  const parts = [
    [
      "Your app",
      html`sends <code>${answer.method} ${tail(answer.path)}</code>${key}`,
    ],
    ["API Gateway", "checks the token's signature, audience and scope, and stamps the time"],
    [
      `Lambda ${log?.function ?? ""}`,
      `decides by pure rules: price, month, balance${log ? `; ${ms(log.elapsed_us / 1000)} in all` : ""}`,
    ],
    [
      "DynamoDB",
      isNew
        ? `${requests} requests: read the newest entry${claim}, put the next if its place is free`
        : answer.replayed
          ? "finds the entry of that key, and writes nothing"
          : answer.status >= 400 && answer.status < 500
            ? "confirms the refusal, and writes nothing"
            : "may have written an entry: the answer does not show it",
    ],
  ];
  const part = ([who, what]) => html`<li><strong>${who}</strong> <span>${what}</span></li>`;
  return html`<ol class="flow">${parts.map(part)}</ol>`;
}

function json(title, value) {
  const text = JSON.stringify(value, null, 2);
  return html`<div><h3>${title}</h3><pre tabindex="0" role="region" aria-label=${title}>${text}</pre></div>`;
}

export function insideView() {
  const calls = state.job?.calls ?? [];
  const last = calls.at(-1);
  if (!last)
    return html`
      <div class="card">
        <p class="quiet" id="no-calls">Generate something in the playground, and its requests show up here.</p>
      </div>`;
  const first = calls[0];
  const entry = state.entries.find((known) => known.sequence === last.body?.sequence);
  return html`
    <div class="card">
      ${steps(first)}
      <div class="scroll" tabindex="0" role="region" aria-label="Requests of the job">
        <table id="calls">
          <caption class="hidden">The requests of the last job</caption>
          <thead><tr><th scope="col">Request</th><th scope="col">Token</th>
            <th scope="col">Answer</th><th scope="col">Function</th>
            <th scope="col" class="right">DynamoDB requests</th><th scope="col" class="right">Read units</th>
            <th scope="col" class="right">Write units</th><th scope="col" class="right">In the function</th>
            <th scope="col" class="right">Round trip</th></tr></thead>
          <tbody>${calls.map(row)}</tbody>
        </table>
      </div>
      <p class="quiet">Milliseconds are this machine's, with an embedded database.
        Requests and units are what AWS would count.</p>
      <div class="two">
        ${json("The last answer", last.body)}
        ${entry ? json("The entry it left", entry) : nothing}
      </div>
    </div>`;
}
