// The geometry of the timeline: which changes become bars, how high each phase is, and where the percentiles lie.

import type { Change } from '../api/types';
import { percentile } from './percentile';

export interface Piece {
  readonly phase: string;
  readonly us: number;
  /** Shares of the chart's height, from the bottom. */
  readonly from: number;
  readonly to: number;
}

export interface Bar {
  readonly change: Change;
  readonly us: number;
  readonly pieces: readonly Piece[];
  /** It is higher than the chart. */
  readonly cut: boolean;
}

export interface Timeline {
  readonly bars: readonly Bar[];
  /** The time at the chart's upper edge. */
  readonly topUs: number;
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  /** The phases that occur, in their order in time. */
  readonly phases: readonly string[];
}

const MOST_BARS = 80;
// One change that took many times as long as the rest would press them all flat: it is cut off instead.
const OUTLIER = 3;

/** Done changes of one kind; phases in `hidden` count nowhere. */
export function timeline(changes: readonly Change[], kind: 'sync' | 'rebuild', hidden: ReadonlySet<string>): Timeline {
  const shown = changes
    .filter((change) => change.kind === kind && change.outcome === 'done' && change.phases.length > 0)
    .slice(-MOST_BARS);
  const phases = [...new Set(shown.flatMap((change) => change.phases.map((phase) => phase.name)))];
  const visible = (change: Change) => change.phases.filter((phase) => !hidden.has(phase.name));
  const sums = shown.map((change) => visible(change).reduce((sum, phase) => sum + phase.us, 0));
  const p50 = percentile(sums, 0.5);
  const p95 = percentile(sums, 0.95);
  const topUs = roundUp(top(sums));
  const bars = shown.map((change, index): Bar => {
    let from = 0;
    const pieces = visible(change).map((phase): Piece => {
      const start = from;
      from += phase.us / topUs;
      return { phase: phase.name, us: phase.us, from: Math.min(1, start), to: Math.min(1, from) };
    });
    return { change, us: sums[index] ?? 0, pieces, cut: from > 1.0001 };
  });
  return { bars, topUs, p50, p95, phases };
}

function top(sums: readonly number[]): number {
  const most = Math.max(1, ...sums);
  const usual = percentile(sums, 0.9) ?? most;
  return usual > 0 && most > OUTLIER * usual ? usual * 1.5 : most;
}

/** The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten, so that the axis has a round end. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8].find((one) => one * power >= value - power * 1e-9);
  return (step ?? 10) * power;
}
