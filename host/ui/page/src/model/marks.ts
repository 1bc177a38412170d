// A line's runs, cut where a search's matches begin and end.

import type { Run } from './ansi';

export interface MarkedRun extends Run {
  readonly marked: boolean;
}

type Range = readonly [from: number, to: number];

const MOST_MATCHES = 200;

/** Where the pattern matches, in order and without overlap. */
export function matches(text: string, pattern: RegExp): Range[] {
  const found: Range[] = [];
  for (const match of text.matchAll(new RegExp(pattern.source, 'gi'))) {
    if (match[0] !== '') found.push([match.index, match.index + match[0].length]);
    if (found.length >= MOST_MATCHES) break;
  }
  return found;
}

/** Pieces that are wholly inside or outside of a range; ranges count through the texts of all runs. */
export function marked(runs: readonly Run[], ranges: readonly Range[]): MarkedRun[] {
  const pieces: MarkedRun[] = [];
  let next = 0;
  let begin = 0;
  for (const run of runs) {
    const end = begin + run.text.length;
    let at = begin;
    while (at < end) {
      while ((ranges[next]?.[1] ?? Infinity) <= at) next += 1;
      const [from, to] = ranges[next] ?? [Infinity, Infinity];
      const inside = from <= at;
      const until = Math.min(end, inside ? to : from);
      pieces.push({ text: run.text.slice(at - begin, until - begin), style: run.style, marked: inside });
      at = until;
    }
    begin = end;
  }
  return pieces;
}
