// The chart of the balance over time, by uPlot. The statement has the same numbers for those who can't see it.

import { KINDS, kindName, minuteOf, number } from "./format.js";
import { now, state } from "./state.js";

const HEIGHT = 230;

let plot;
let drawn = "";

/** Draws the balance of a kind after each entry, as steps, up to now. Does nothing where nothing changed. */
export function drawChart(place, kind) {
  if (!place || !globalThis.uPlot) return;
  const width = place.clientWidth;
  const entries = [...state.entries].reverse();
  const last = entries.at(-1);
  const key = JSON.stringify([state.accountId, kind, last?.sequence, Math.floor(now() / 60000), width, isDark()]);
  if (key === drawn || width === 0) return;
  drawn = key;
  plot?.destroy();
  plot = undefined;
  if (!last) {
    place.setAttribute("aria-label", "No entries yet");
    place.classList.add("empty");
    return;
  }
  place.classList.remove("empty");
  const times = entries.map((entry) => Date.parse(entry.at) / 1000);
  const balances = entries.map((entry) => entry.balance[kind]);
  times.push(Math.max(times.at(-1), now() / 1000));
  balances.push(state.account?.balance[kind] ?? balances.at(-1));
  const start = `${number(balances[0])} at ${minuteOf(times[0] * 1000)}`;
  place.setAttribute(
    "aria-label",
    `Chart of ${kindName(kind)} credits: ${start}, now ${number(balances.at(-1))}. The statement lists each change.`,
  );
  plot = new globalThis.uPlot(options(width, kind, times), [times, balances], place);
}

/** A time on the axis: as fine as the span of the chart asks for. */
function timeOf(seconds, span) {
  const options =
    span < 600
      ? { hour: "2-digit", minute: "2-digit", second: "2-digit" }
      : span < 2 * 86_400
        ? { hour: "2-digit", minute: "2-digit" }
        : { day: "numeric", month: "short" };
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(new Date(seconds * 1000));
}

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

function options(width, kind, times) {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--muted"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { stroke: color("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  const { uPlot } = globalThis;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [12, 28, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: {
      x: { range: () => [times[0], Math.max(times.at(-1), times[0] + 1)] },
      y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] },
    },
    axes: [
      { ...axis, space: 90, values: (_, ticks) => ticks.map((tick) => timeOf(tick, times.at(-1) - times[0])) },
      { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? number(tick) : "")) },
    ],
    series: [
      {},
      {
        label: kindName(kind),
        stroke: color(`--kind-${KINDS.indexOf(kind)}`),
        fill: color(`--kind-${KINDS.indexOf(kind)}-fill`),
        width: 2,
        paths: uPlot.paths.stepped({ align: 1 }),
        points: { show: times.length < 40, size: 5, fill: color("--card") },
      },
    ],
  };
}
