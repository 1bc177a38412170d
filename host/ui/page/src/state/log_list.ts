// The rows that pass the filter, as the view shows them: they follow the feed, or stand still while paused. They are a list of
// their own, so that matches stay when the lines around them have left the feed, and older ones can be laid before them.

import { signal } from '@preact/signals';
import { compile, NO_FILTER, type CompiledFilter } from '../model/log_filter';
import { gapRow, type LogRow } from '../model/log_row';
import { Ring } from '../model/ring';
import { Breather } from './schedule';

// Between two looks at the clock.
const SLICE_ROWS = 1_000;

export class LogList {
  rows: Ring<LogRow>;
  filter: CompiledFilter = compile(NO_FILTER);
  /** Rises when rows come or go. */
  readonly version = signal(0);
  /** Rises when the rows are others altogether. */
  era = 0;
  /** All lines from this time on were looked at; empty where there is none yet. */
  searchedFrom = '';

  private next = 0;
  private job = 0;
  private filtering = false;
  private paused = false;

  constructor(private readonly feed: Ring<LogRow>) {
    this.rows = new Ring(feed.capacity);
  }

  /** How many lines have arrived and were not looked at, as the list stands still. */
  get waiting(): number {
    return this.feed.end - Math.max(this.next, this.feed.first);
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    if (!paused) this.take();
  }

  /** Looks at what the feed has got since the last time. */
  take(): void {
    if (this.paused || this.filtering || this.next >= this.feed.end) return;
    if (this.searchedFrom === '') this.searchedFrom = this.feed.at(this.feed.first)?.time ?? '';
    if (this.next < this.feed.first) {
      this.rows.push(gapRow(this.feed.at(this.feed.first)?.time ?? ''));
      this.next = this.feed.first;
    }
    this.next = this.pass(this.rows, this.next, this.feed.end);
    this.version.value += 1;
  }

  /** Filters all lines anew, in slices of time; until that is done, what was shown stays. */
  async setFilter(filter: CompiledFilter): Promise<void> {
    this.job += 1;
    const job = this.job;
    this.filter = filter;
    this.filtering = true;
    const found = new Ring<LogRow>(this.rows.capacity);
    const breather = new Breather();
    const from = this.feed.at(this.feed.first)?.time ?? '';
    // What arrived while it was paused stays out.
    const stop = (): number => (this.paused ? this.next : this.feed.end);
    let at = this.feed.first;
    while (at < stop()) {
      at = this.pass(found, Math.max(at, this.feed.first), Math.min(at + SLICE_ROWS, stop()));
      await breather.breathe();
      if (job !== this.job) return;
    }
    this.rows = found;
    this.next = at;
    this.searchedFrom = from;
    this.filtering = false;
    this.era += 1;
    this.version.value += 1;
    this.take();
  }

  /** Lays lines of before before the first ones; `from`: how far back all lines were looked at. */
  prepend(older: readonly LogRow[], from: string): number {
    const taken = this.rows.unshift(older.filter(this.filter.passes));
    this.searchedFrom = from;
    this.version.value += 1;
    return taken;
  }

  get full(): boolean {
    return this.rows.length >= this.rows.capacity;
  }

  private pass(to: Ring<LogRow>, from: number, end: number): number {
    for (let position = from; position < end; position += 1) {
      const row = this.feed.at(position);
      if (row !== undefined && this.filter.passes(row)) to.push(row);
    }
    return end;
  }
}
