// The log lines of one scope (all services, or one with the builds of its images) as they arrive: the last ones at once, then
// each as it is written, laid into a ring once a frame. A stream that breaks goes on where it was.

import { signal } from '@preact/signals';
import { ApiError, pieces, query } from '../api/client';
import { record } from '../api/decode';
import { LineSplitter } from '../api/lines';
import { logEntry } from '../api/shapes';
import type { LogEntry } from '../api/types';
import { gapRow, rowOf, type LogRow } from '../model/log_row';
import { Ring } from '../model/ring';
import { compareTimes } from '../model/time';
import { backOffMs, Breather, delay, perFrame, throttled } from './schedule';
import { snapshot } from './store';

export const MOST_LINES = 100_000;
const FIRST_LINES = 5_000;
const OLDER_LINES = 1_000;
// Lines after the last time that was seen may be told twice by a stream that goes on: so many are remembered.
const REMEMBERED = 2_000;
const REPLAYED_AT_ONCE = 1_000;
const SOURCES_INTERVAL_MS = 1_000;

/** What the server is asked for beyond the scope. */
export interface Wanted {
  readonly until: string;
  readonly grep: string;
  readonly pod: string;
  readonly container: string;
  readonly source: string;
}

export class LogFeed {
  readonly rows: Ring<LogRow>;
  /** Rises as rows arrive. */
  readonly version = signal(0);
  /** Why nothing comes; empty while lines may come. */
  readonly problem = signal('');
  readonly pods = signal<readonly string[]>([]);
  readonly containers = signal<readonly string[]>([]);
  readonly stopped = new AbortController();

  private services: readonly string[];
  private arrived: LogRow[] = [];
  private lastTime = '';
  private readonly seenPods = new Set<string>();
  private readonly seenContainers = new Set<string>();
  private readonly flush = perFrame(() => this.take());
  // Of hundreds of pods the choices are long: they are not laid out anew for each pod that is seen first.
  private readonly tellSources = throttled(async () => {
    this.pods.value = [...this.seenPods].sort();
    this.containers.value = [...this.seenContainers].sort();
  }, SOURCES_INTERVAL_MS);

  /** `services`: workloads and builds; all where there is none. */
  constructor(services: readonly string[]) {
    this.services = services;
    this.rows = new Ring(Math.max(MOST_LINES, snapshot.peek()?.logs.length ?? 0));
  }

  start(): void {
    const taken = snapshot.peek();
    void (taken === null ? this.follow() : this.replay(taken.logs));
  }

  stop(): void {
    this.stopped.abort();
  }

  /** Lines before a time that match, oldest first, and whether there may be more. Throws ApiError. */
  async older(wanted: Wanted): Promise<{ rows: LogRow[]; more: boolean }> {
    const path = `/logs${query({ service: this.services.join(','), ...wanted, tail: OLDER_LINES })}`;
    const rows: LogRow[] = [];
    const splitter = new LineSplitter();
    const breather = new Breather();
    for await (const piece of pieces(path, { Accept: 'application/x-ndjson' }, this.stopped.signal)) {
      for (const entry of entriesOf(splitter.push(piece))) rows.push(rowOf(entry));
      await breather.breathe();
    }
    return { rows, more: rows.filter((row) => !row.gap).length >= OLDER_LINES };
  }

  private async follow(): Promise<void> {
    let failures = 0;
    while (!this.stopped.signal.aborted) {
      try {
        await this.read(() => {
          failures = 0;
          this.problem.value = '';
        });
        this.problem.value = 'The stream of lines has ended. It goes on by itself.';
      } catch (error) {
        if (this.stopped.signal.aborted) return;
        if (error instanceof ApiError && error.status === 404 && this.withoutBuilds()) continue;
        this.problem.value = error instanceof ApiError ? `${error.message}.` : 'The stream of lines broke. It goes on by itself.';
      }
      failures += 1;
      await delay(backOffMs(failures), this.stopped.signal);
    }
  }

  private async replay(entries: readonly LogEntry[]): Promise<void> {
    const wanted = new Set(this.services);
    const breather = new Breather();
    for (let from = 0; from < entries.length && !this.stopped.signal.aborted; from += REPLAYED_AT_ONCE) {
      for (const entry of entries.slice(from, from + REPLAYED_AT_ONCE)) {
        if (wanted.size === 0 || wanted.has(entry.service) || (entry.gap && entry.service === '')) this.add(entry);
      }
      this.flush();
      await breather.breathe();
    }
  }

  /** An image that was never built has no log of builds yet. Returns whether there is something else to ask for. */
  private withoutBuilds(): boolean {
    const workloads = this.services.filter((name) => !name.startsWith('Build/'));
    if (workloads.length === this.services.length || workloads.length === 0) return false;
    this.services = workloads;
    return true;
  }

  private async read(opened: () => void): Promise<void> {
    const goesOn = this.lastTime !== '';
    const path = `/logs${query({
      service: this.services.join(','), source: 'all', follow: 'true',
      ...(goesOn ? { since: this.lastTime } : { tail: FIRST_LINES }),
    })}`;
    const known = goesOn ? this.lastOnes() : null;
    const splitter = new LineSplitter();
    const breather = new Breather();
    for await (const piece of pieces(path, { Accept: 'application/x-ndjson' }, this.stopped.signal, opened)) {
      for (const entry of entriesOf(splitter.push(piece))) {
        if (known === null || !known.delete(keyOf(entry))) this.add(entry);
      }
      this.flush();
      await breather.breathe();
    }
  }

  private lastOnes(): Set<string> {
    this.take();
    return new Set(this.rows.slice(this.rows.end - REMEMBERED, this.rows.end).map(keyOf));
  }

  private add(entry: LogEntry): void {
    // A gap without a source has no time: it lies where it came.
    this.arrived.push(entry.gap && entry.time === '' ? gapRow(this.lastTime) : rowOf(entry));
    if (!entry.gap && compareTimes(entry.time, this.lastTime) > 0) this.lastTime = entry.time;
  }

  private take(): void {
    if (this.arrived.length === 0) return;
    const sources = this.seenPods.size + this.seenContainers.size;
    for (const row of this.arrived) {
      this.rows.push(row);
      if (row.pod !== '') this.seenPods.add(row.pod);
      if (row.container !== '') this.seenContainers.add(row.container);
    }
    this.arrived = [];
    if (this.seenPods.size + this.seenContainers.size !== sources) this.tellSources();
    this.version.value += 1;
  }
}

function keyOf(line: Pick<LogRow, 'time' | 'service' | 'pod' | 'container' | 'text'> | LogEntry): string {
  return [line.time, line.service, line.pod, line.container, 'text' in line ? line.text : ''].join('\n');
}

function* entriesOf(lines: readonly string[]): Generator<LogEntry> {
  for (const line of lines) {
    try {
      yield logEntry(record(JSON.parse(line)));
    } catch {
      // A line that was cut off where the stream broke: it comes again.
    }
  }
}
