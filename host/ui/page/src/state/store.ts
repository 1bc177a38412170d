// What the page knows, as signals: the live connection or the snapshot fills it, and the views read it.

import { computed, signal } from '@preact/signals';
import type { Activity, Build, Snapshot, Status } from '../api/types';
import { problemsOf } from '../model/problems';
import { generationsInWords } from '../model/words';
import type { Changes } from './reducers';

/** The snapshot that this page is a view of; null for a live page. Set once, before anything is drawn. */
export const snapshot = signal<Snapshot | null>(null);

export const status = signal<Status | null>(null);
export const changes = signal<Changes>(new Map());
export const builds = signal<readonly Build[]>([]);
export const events = signal<readonly Activity[]>([]);

export type Connection =
  | { readonly state: 'connecting' | 'open' }
  /** The watch has ended or cannot be reached; the page tries again by itself. */
  | { readonly state: 'lost'; readonly reason: string };

export const connection = signal<Connection>({ state: 'connecting' });

/** Rises when another watch has taken the place of the one before: what was kept of that one is void. */
export const era = signal(0);

export const problems = computed(() => (status.value === null ? [] : problemsOf(status.value, builds.value)));

/** By workload. */
export const generations = computed(() => generationsInWords(status.value?.pods ?? []));

export const services = computed(() => status.value?.services ?? []);

const ticking = signal(Date.now());

/** The time that "ago" counts from: now, by the second; of a snapshot, when it was taken. */
export const now = computed(() => (snapshot.value === null ? ticking.value : Date.parse(snapshot.value.time)));

const TICK_MS = 1_000;

export function startClock(): void {
  setInterval(() => {
    if (document.visibilityState === 'visible') ticking.value = Date.now();
  }, TICK_MS);
}

export function serviceOf(workload: string) {
  return services.value.find((service) => service.workload === workload);
}
