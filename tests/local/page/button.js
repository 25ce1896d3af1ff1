// A button that keeps the focus while what it does is under way, so that a keyboard's user does not start over.

import { html, nothing } from "./vendor/lit-html.js";
import { state } from "./state.js";

export function button(text, doing, { id, label, look, isOff = false } = {}) {
  const off = isOff || Boolean(state.busy);
  return html`
    <button type="button" id=${id ?? nothing} class=${look ?? nothing}
      aria-label=${label ?? nothing} aria-disabled=${off ? "true" : nothing}
      @click=${() => {
        if (!off) doing();
      }}>${text}</button>`;
}
