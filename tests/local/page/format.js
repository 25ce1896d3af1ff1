// How credits, money, times and work are written for people.

export const KINDS = ["playground", "tune", "tune_image"];

const NAMES = { playground: "playground", tune: "tune", tune_image: "tune image" };

const SKUS = {
  basic: "Basic",
  standard: "Standard",
  business: "Business",
  custom: "Custom",
  tune_pack: "Tune pack",
  avatar_pack: "Avatar pack",
};

const whole = new Intl.NumberFormat("en-US");
const money = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const date = { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" };
const day = new Intl.DateTimeFormat("en-GB", date);
const minute = new Intl.DateTimeFormat("en-GB", { ...date, hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat("en-GB", { ...date, hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const number = (value) => whole.format(value);
export const kindName = (kind) => NAMES[kind] ?? kind;
export const dollars = (cents) =>
  cents % 100 === 0 ? money.format(cents / 100).replace(".00", "") : money.format(cents / 100);
export const dayOf = (time) => day.format(new Date(time));
export const minuteOf = (time) => minute.format(new Date(time)).replace(",", "");
export const secondOf = (time) => second.format(new Date(time)).replace(",", "");
export const isZero = (credits) => KINDS.every((kind) => !credits?.[kind]);

const list = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** "4 playground and 1 tune credits"; "nothing" where there are none. */
export function credits(amounts) {
  const parts = KINDS.filter((kind) => amounts?.[kind]).map((kind) => `${number(amounts[kind])} ${NAMES[kind]}`);
  if (parts.length === 0) return "nothing";
  const total = KINDS.reduce((sum, kind) => sum + Math.abs(amounts[kind] ?? 0), 0);
  return `${list.format(parts)} ${total === 1 ? "credit" : "credits"}`;
}

/** "+4", "−4". */
export const signed = (change) => (change < 0 ? `−${number(-change)}` : `+${number(change)}`);

/** "Standard, monthly" of `standard_monthly`. */
export function skuName(sku) {
  if (SKUS[sku]) return SKUS[sku];
  const [plan, interval] = sku.split("_");
  return `${SKUS[plan] ?? plan}, ${interval}`;
}

const plural = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

/** An operation in a few words. */
export function work(operation) {
  const images = plural(operation.images ?? 1, "image");
  switch (operation.operation) {
    case "text_to_image":
      return `${images}, ${operation.width} × ${operation.height}, ${operation.steps} steps`;
    case "upscale":
      return `${images}, upscaled ${operation.factor}×`;
    case "face_enhance":
      return `${images}, faces enhanced`;
    case "remove_background":
      return `${images}, background removed`;
    case "download":
      return "a download";
    case "train_tune":
      return `a Tune trained, with ${plural(operation.prompts, "prompt")}`;
    case "tune_images":
      return `${plural(operation.prompts, "prompt")} from a Tune`;
    default:
      return operation.operation;
  }
}

/** The first and last letters of an id. */
export const short = (id) => (id.length > 18 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);
