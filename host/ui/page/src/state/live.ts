// The live page's connection: the state once, then the stream of events, and all of it again when the watch has gone and
// another is there. The state itself is asked for anew after each event `status`, at most four times a second.

import { batch } from '@preact/signals';
import { ApiError, get, pieces, query, renewToken } from '../api/client';
import * as shapes from '../api/shapes';
import { EventParser, type ServerEvent } from '../api/sse';
import type { Activity, Build, Change, Status } from '../api/types';
import { keep, keepByKey } from '../model/keep';
import { withBuilds, withChanges, withEvents } from './reducers';
import { backOffMs, Breather, delay, nextTask, perFrame, throttled } from './schedule';
import { builds, changes, connection, era, events, status } from './store';

const STATUS_INTERVAL_MS = 250;
const HISTORY_INTERVAL_MS = 1_000;
const FIRST_CHANGES = 500;

/** Of the event that was taken last, for a stream that goes on. */
let lastEvent = '';
/** The watch takes its pods down: what it ran is what the page goes on to show, and not how that disappears. */
let isEnding = false;
let wake = new AbortController();

/** Tries again at once, where the page waits before its next attempt. */
export function reconnectNow(): void {
  wake.abort();
}

/** Never returns: the page lives as long as its tab. */
export async function follow(): Promise<never> {
  let failures = 0;
  for (;;) {
    try {
      if (failures > 0) await renewToken();
      await loadAll();
      await readEvents(() => {
        failures = 0;
        connection.value = { state: 'open' };
      });
      lost('The watch has ended.');
    } catch (error) {
      lost(error instanceof ApiError && error.status !== 0
        ? `${error.message}. ${error.nextStep}`.trim()
        : 'The watch has ended or cannot be reached.');
    }
    failures += 1;
    wake = new AbortController();
    await delay(backOffMs(failures), wake.signal);
  }
}

function lost(reason: string): void {
  connection.value = { state: 'lost', reason };
}

async function loadAll(): Promise<void> {
  const fresh = await askStatus();
  isEnding = false;
  const before = status.peek();
  if (before !== null && before.version !== fresh.version) location.reload();
  const another = before !== null && before.pid !== fresh.pid;
  // Drawn before the history is there, so that the two are no one long task. Of another watch both come at once.
  if (!another) {
    takeStatus(fresh);
    await nextTask();
  }
  const history = await askHistory();
  batch(() => {
    if (another) {
      lastEvent = '';
      changes.value = new Map();
      builds.value = [];
      events.value = [];
      era.value += 1;
    }
    takeStatus(fresh);
    takeHistory(history);
  });
}

// What an answer means is one task, and to draw it another.

async function askStatus(): Promise<Status> {
  const fresh = await get('/status', shapes.status);
  await nextTask();
  return fresh;
}

interface History {
  readonly changes: readonly Change[];
  readonly builds: readonly Build[];
}

async function askHistory(): Promise<History> {
  const [freshChanges, freshBuilds] = await Promise.all([
    get(`/changes${query({ limit: FIRST_CHANGES })}`, shapes.changes),
    get('/builds', shapes.builds),
  ]);
  await nextTask();
  return { changes: freshChanges, builds: freshBuilds };
}

function takeHistory(fresh: History): void {
  changes.value = withChanges(changes.peek(), fresh.changes);
  builds.value = withBuilds(builds.peek(), fresh.builds);
}

function takeStatus(fresh: Status): void {
  const old = status.peek();
  const services = keepByKey(old?.services ?? [], fresh.services, (service) => service.workload);
  status.value = keep(old, { ...fresh, services });
}

const refreshStatus = throttled(async () => {
  try {
    const fresh = await askStatus();
    if (!isEnding) takeStatus(fresh);
  } catch {
    // The stream of events ends with the watch, and its end is what the page tells.
  }
}, STATUS_INTERVAL_MS);

/** After a gap in the events: what they would have told of changes and builds. */
const refreshHistory = throttled(async () => {
  try {
    takeHistory(await askHistory());
  } catch {
    // As above.
  }
}, HISTORY_INTERVAL_MS);

interface Arrived {
  changes: Change[];
  builds: Build[];
  events: Activity[];
}

let arrived: Arrived = { changes: [], builds: [], events: [] };

const flush = perFrame(() => {
  const taken = arrived;
  arrived = { changes: [], builds: [], events: [] };
  batch(() => {
    takeHistory(taken);
    events.value = withEvents(events.peek(), taken.events);
  });
});

async function readEvents(opened: () => void): Promise<void> {
  const headers: Record<string, string> = { Accept: 'text/event-stream' };
  if (lastEvent !== '') headers['Last-Event-ID'] = lastEvent;
  const parser = new EventParser();
  parser.lastId = lastEvent;
  const breather = new Breather();
  const ended = new AbortController();
  try {
    for await (const piece of pieces('/events', headers, ended.signal, opened)) {
      for (const event of parser.push(piece)) {
        take(event);
        await breather.breathe();
      }
      lastEvent = parser.lastId;
    }
  } finally {
    ended.abort();
  }
}

function take(event: ServerEvent): void {
  if (event.type === 'status' || event.type === 'gap') {
    refreshStatus();
    if (event.type === 'gap') refreshHistory();
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(event.data);
  } catch {
    return;
  }
  if (event.type === 'change') arrived.changes.push(shapes.change(value));
  else if (event.type === 'build') arrived.builds.push(shapes.build(value));
  else if (event.type === 'activity') takeActivity(shapes.activity(value));
  else return;
  flush();
}

function takeActivity(activity: Activity): void {
  if (activity.kind === 'stopping') isEnding = true;
  arrived.events.push(activity);
}
