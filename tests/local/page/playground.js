// The playground: what work costs, while the sliders move, and the button that does it.

import { html, nothing } from "./vendor/lit-html.js";
import { accountPath, call, reason } from "./api.js";
import { button } from "./button.js";
import { KINDS, credits, dollars, isZero, kindName, number, skuName } from "./format.js";
import { generate, jobView } from "./job.js";
import { buy } from "./shop.js";
import { state, update } from "./state.js";

/** How long after the last movement a price is asked for. */
const PRICE_PAUSE_MS = 40;
/** How long after it the account is asked whether it can afford the work. */
const ACCOUNT_PAUSE_MS = 250;

const OPERATIONS = [
  ["text_to_image", "Text to image"],
  ["upscale", "Upscale"],
  ["face_enhance", "Enhance faces"],
  ["remove_background", "Remove background"],
  ["train_tune", "Train a Tune"],
  ["tune_images", "Images from a Tune"],
  ["download", "Download"],
];

/** The values of the sliders; each operation takes those that it needs. */
const chosen = {
  operation: "text_to_image",
  width: 768,
  height: 512,
  steps: 80,
  images: 2,
  factor: 2,
  train_prompts: 8,
  if_short: "defer",
  prompts: 3,
  payment: "hold",
  fails: false,
  failure: "half",
  loses: false,
};

const quote = { price: null, forAccount: null, problem: null, asked: 0, shown: 0 };

/** The body of a quote, debit or hold. */
function operation() {
  const { operation: name, width, height, steps, images, factor } = chosen;
  switch (name) {
    case "text_to_image":
      return { operation: name, width, height, steps, images };
    case "upscale":
      return { operation: name, factor, images };
    case "train_tune":
      return { operation: name, prompts: chosen.train_prompts, if_short: chosen.if_short };
    case "tune_images":
      return { operation: name, prompts: chosen.prompts };
    case "download":
      return { operation: name };
    default:
      return { operation: name, images };
  }
}

let priceTimer;
let accountTimer;

/** Asks for the price again, after a moment: while a slider moves, the answer to the last request wins. */
export function askPrice() {
  clearTimeout(priceTimer);
  clearTimeout(accountTimer);
  priceTimer = setTimeout(() => ask("/v1/quotes"), PRICE_PAUSE_MS);
  accountTimer = setTimeout(() => ask(accountPath(state.accountId, "/quotes"), state.tokens?.user), ACCOUNT_PAUSE_MS);
}

async function ask(path, token) {
  const mine = ++quote.asked;
  const answer = await call("POST", path, { token, body: operation() }).catch(() => null);
  // An answer that was overtaken by a newer one is of no use.
  if (!answer || mine < quote.shown) return;
  quote.shown = mine;
  if (answer.ok) {
    // While the price stays the same, so does what the account can do.
    const isSame = KINDS.every((kind) => quote.price?.credits[kind] === answer.body.credits[kind]);
    const forAccount = token ? answer.body : isSame ? quote.forAccount : null;
    Object.assign(quote, { price: answer.body, problem: null, forAccount });
  } else {
    Object.assign(quote, { price: null, forAccount: null, problem: reason(answer) });
  }
  update();
}

function choose(change) {
  Object.assign(chosen, change);
  askPrice();
  update();
}

function slider(name, label, { min, max, step = 1, unit = "" }) {
  const id = `slider-${name}`;
  return html`
    <div class="slider">
      <label for=${id}>${label}</label>
      <output for=${id}>${number(chosen[name])}${unit}</output>
      <input type="range" id=${id} min=${min} max=${max} step=${step} .value=${String(chosen[name])}
        aria-valuetext=${`${chosen[name]}${unit}`}
        @input=${(event) => choose({ [name]: event.target.valueAsNumber })}>
    </div>`;
}

function radios(name, label, values) {
  return html`
    <fieldset class="choice">
      <legend>${label}</legend>
      ${values.map(
        ([value, text]) => html`
        <label class="chip"><input type="radio" name=${name} .checked=${chosen[name] === value}
          @change=${() => choose({ [name]: value })}><span>${text}</span></label>`,
      )}
    </fieldset>`;
}

/** The sliders of the chosen operation, with the limits of the catalog. */
function settings() {
  const rates = state.catalog.rates;
  const images = () => slider("images", "Images", { ...rates.text_to_image.images });
  const side = { min: 64, max: rates.text_to_image.side.max, step: 64, unit: " px" };
  switch (chosen.operation) {
    case "text_to_image":
      return html`
      <div class="size">
        <div>${slider("width", "Width", side)}${slider("height", "Height", side)}</div>
        ${frame()}
      </div>
      ${slider("steps", "Steps", rates.text_to_image.steps)}
      ${images()}`;
    case "upscale":
      return html`${radios("factor", "Factor", [
        [2, "2×"],
        [4, "4×"],
      ])}${images()}`;
    case "train_tune":
      return html`
      ${slider("train_prompts", "Prompts generated at once", rates.train_tune.prompts)}
      ${radios("if_short", "Too few tune image credits?", [
        ["defer", "Train now, images later"],
        ["refuse", "Refuse"],
      ])}`;
    case "tune_images":
      return slider("prompts", "Prompts", rates.tune_images.prompts);
    case "download":
      return html`<p class="quiet">Downloading an image costs nothing, and leaves no entry.</p>`;
    default:
      return images();
  }
}

/** The picture's size in the size that it is priced as. */
function frame() {
  const { width, height } = chosen;
  const tier = quote.price?.tier;
  const turned = tier && width > height;
  const [tierWidth, tierHeight] = turned ? [tier.height, tier.width] : [tier?.width ?? width, tier?.height ?? height];
  const scale = 88 / state.catalog.rates.text_to_image.side.max;
  return html`
    <svg class="frame" viewBox="-1 -1 92 92" width="92" height="92" aria-hidden="true">
      <rect class="tier" x="0" y="0" width=${tierWidth * scale} height=${tierHeight * scale} rx="3"></rect>
      <rect class="picture" x="0" y="0" width=${width * scale} height=${height * scale} rx="3"></rect>
    </svg>`;
}

/** Why it costs that much. */
function because(price) {
  const { tier, operation: asked } = price;
  const count = asked.images;
  const each = KINDS.filter((kind) => count > 1 && price.credits[kind]).map(
    (kind) => `${number(count)} × ${number(price.credits[kind] / count)}`,
  );
  const size = tier ? `priced as ${tier.width} × ${tier.height}, up to ${tier.steps_max} steps` : "";
  return [...each, size].filter(Boolean).join(" · ") || "\u00a0";
}

function affordable() {
  const known = quote.forAccount;
  if (!known) return html`<p class="quiet">\u00a0</p>`;
  if (known.deferred_images) {
    return html`<p class="quiet">Trains now; ${number(known.deferred_images)} images wait for credits.</p>`;
  }
  if (known.affordable) {
    const count = known.affordable_images;
    const unit = known.operation.prompts === undefined ? "images" : "prompts";
    const enough =
      count === null ? "The balance covers this." : `The balance is enough for ${number(count)} such ${unit}.`;
    return html`<p class="quiet">${isZero(known.credits) ? "It takes nothing." : enough}</p>`;
  }
  return html`
    <div class="note warn" id="remedies">
      <p><strong>${credits(known.shortfall)} short.</strong> What would cover it:</p>
      <div class="buttons">
        ${known.remedies.slice(0, 3).map((sku) =>
          button(`${skuName(sku).split(",")[0]} ${price(sku)}`, () => buy(sku), {
            look: "small",
            label: `Buy ${skuName(sku)}, ${price(sku)}`,
          }),
        )}
      </div>
    </div>`;
}

function price(sku) {
  const plan = state.catalog.plans.flatMap((known) => known.skus).find((known) => known.sku === sku);
  const cents = plan?.price ?? state.local?.pack_prices[sku];
  return cents === undefined || cents === null ? "" : dollars(cents);
}

function toggle(name, label, hint) {
  return html`
    <label class="switch"><input type="checkbox" role="switch" id=${`switch-${name}`} .checked=${chosen[name]}
      @change=${(event) => choose({ [name]: event.target.checked })}>
      <span class="track" aria-hidden="true"></span><span>${label}<small>${hint}</small></span></label>`;
}

function failures() {
  const ways =
    chosen.payment === "hold"
      ? [
          ["all", "All of it"],
          ["half", "Half of it"],
          ["dies", "Its worker dies"],
        ]
      : [
          ["all", "All of it"],
          ["half", "Half of it"],
        ];
  return radios("failure", "What fails", ways);
}

/** Whether there is room for the table at first. */
const isWide = matchMedia("(min-width: 861px)").matches;

function rateTable() {
  const { tiers } = state.catalog.rates.text_to_image;
  const tier = quote.price?.tier;
  const isShown = (row, band) =>
    tier?.width === row.width && tier?.height === row.height && tier?.steps_max === band.steps_max;
  return html`
    <details class="rates" ?open=${isWide}>
      <summary>All prices of text to image</summary>
      <table>
        <caption class="hidden">Playground credits per image by size and steps</caption>
        <thead><tr><th scope="col">Size</th>
          ${tiers[0].step_bands.map((band) => html`
            <th scope="col" class="right">to ${band.steps_max} steps</th>`)}</tr></thead>
        <tbody>${tiers.map(
          (row) => html`
          <tr><th scope="row">${row.width} × ${row.height}</th>
            ${row.step_bands.map(
              (band) => html`
              <td class=${isShown(row, band) ? "right now" : "right"}
                >${number(band.credits_per_image.playground)}</td>`,
            )}
          </tr>`,
        )}</tbody>
      </table>
    </details>`;
}

function balances() {
  const { account } = state;
  return html`
    <dl class="wallet" aria-label="Balance">
      ${KINDS.map(
        (kind) => html`
        <div class=${quote.price?.credits[kind] ? "used" : ""}><dt>${kindName(kind)}</dt>
          <dd id=${`wallet-${kind}`}>${account ? number(account.balance[kind]) : "…"}</dd></div>`,
      )}
    </dl>`;
}

export function playgroundView() {
  if (!state.catalog) return html`<p class="card quiet">Reading the catalog …</p>`;
  const known = quote.price;
  const isFree = known && isZero(known.credits);
  const doing = chosen.operation === "train_tune" ? "Train" : chosen.operation === "download" ? "Download" : "Generate";
  return html`
    <div class="play">
      <div class="card">
        ${radios("operation", "Work", OPERATIONS)}
        <div class="settings">${settings()}</div>
        ${chosen.operation === "text_to_image" ? rateTable() : nothing}
      </div>
      <div class="card pay">
        <div class="price">
          <p class="label" id="price-label">Price</p>
          <p class="amount"><output id="price" aria-labelledby="price-label">${
            quote.problem ? "–" : known ? (isFree ? "free" : credits(known.credits)) : "…"
          }</output></p>
          <p class="quiet" id="because">${quote.problem ?? (known ? because(known) : "\u00a0")}</p>
        </div>
        ${balances()}
        ${affordable()}
        ${radios("payment", "How it is paid", [
          ["hold", "Hold, then capture"],
          ["debit", "Debit at once"],
        ])}
        ${toggle("loses", "The answer gets lost", "The page drops the first answer and asks again.")}
        ${toggle("fails", "The job fails", "Credits for what was not made come back.")}
        ${chosen.fails ? failures() : nothing}
        ${button(
          html`${doing}${known && !isFree ? html` <span class="cost">${credits(known.credits)}</span>` : nothing}`,
          () => generate({ operation: operation(), ...plan() }).then(askPrice),
          { id: "generate", look: "main", isOff: !known },
        )}
      </div>
    </div>
    ${jobView()}`;
}

/** How the job is paid, and what goes wrong with it. */
function plan() {
  const isHeld = chosen.payment === "hold" && chosen.operation !== "download";
  const failure = chosen.failure === "dies" && !isHeld ? "all" : chosen.failure;
  return { isHeld, loses: chosen.loses, failure: chosen.fails ? failure : null };
}
