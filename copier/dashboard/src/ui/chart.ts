/** The equity curve as a picture. Numbers are drawn here, and nothing is decided by them. */

import { clockText } from "../text/time";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface Curve {
  /** Seconds. */
  readonly at: number[];
  readonly equity: (number | null)[];
  readonly balance: (number | null)[];
}

export interface Drawing {
  update(curve: Curve): void;
  destroy(): void;
}

const HEIGHT = 220;

/** A quiet account's cents would fill the whole height, and look like a crash: at least this share of it is shown. */
const SPREAD_MIN = 0.002;

export function draw(box: HTMLElement, curve: Curve, utc: boolean): Drawing {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--dim"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const line = { points: { show: false }, spanGaps: false };
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 12, 0, 0],
      ...(utc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") } : {}),
      scales: { y: { range: (_plot, low, high) => spread(low, high) } },
      axes: [
        // Hours to 24, as the tables beside it write them.
        { ...axis, values: (_plot, ticks) => ticks.map((each) => clockText(each, long(ticks))), space: 76, size: 28 },
        { ...axis, size: 84, values: (_plot, ticks) => ticks.map((each) => each.toLocaleString("en-US")) },
      ],
      series: [
        {},
        { ...line, stroke: colour("--dim"), width: 1, dash: [4, 3] },
        { ...line, stroke: colour("--accent"), width: 2 },
      ],
    },
    rows(curve),
    box,
  );
  const resized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT }));
  resized.observe(box);
  return {
    update: (next) => plot.setData(rows(next)),
    destroy: () => {
      resized.disconnect();
      plot.destroy();
    },
  };
}

function rows(curve: Curve): uPlot.AlignedData {
  return [curve.at, curve.balance, curve.equity];
}

function spread(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const middle = (low + high) / 2;
  const half = Math.max((high - low) * 0.6, Math.abs(middle) * (SPREAD_MIN / 2), 0.5);
  return [middle - half, middle + half];
}

/** Whether the times shown span days, so that a time of day alone would mislead. */
function long(ticks: readonly number[]): boolean {
  return (ticks[ticks.length - 1] ?? 0) - (ticks[0] ?? 0) > 86_400;
}
