// How what arrives changes what is kept: pure, each bounded, each returning the old value where nothing has changed.

import type { Activity, Build, Change } from '../api/types';

const MOST_CHANGES = 2_000;
const MOST_BUILDS_OF_AN_IMAGE = 10;
const MOST_EVENTS = 1_000;

export type Changes = ReadonlyMap<number, Change>;

/** In the order of their ids; one that comes again replaces what was known of it. */
export function withChanges(old: Changes, fresh: readonly Change[]): Changes {
  if (fresh.length === 0) return old;
  const all = new Map(old);
  let newest = Math.max(-1, ...old.keys());
  let sorted = true;
  for (const change of fresh) {
    if (!all.has(change.id)) {
      if (change.id < newest) sorted = false;
      newest = Math.max(newest, change.id);
    }
    all.set(change.id, change);
  }
  const ordered = sorted ? all : new Map([...all].sort(([a], [b]) => a - b));
  for (const id of ordered.keys()) {
    if (ordered.size <= MOST_CHANGES) break;
    ordered.delete(id);
  }
  return ordered;
}

export function withBuilds(old: readonly Build[], fresh: readonly Build[]): readonly Build[] {
  if (fresh.length === 0) return old;
  const all = new Map(old.map((build) => [build.id, build]));
  for (const build of fresh) all.set(build.id, build);
  const counts = new Map<string, number>();
  const kept: Build[] = [];
  for (const build of [...all.values()].sort((a, b) => b.id - a.id)) {
    const count = (counts.get(build.image) ?? 0) + 1;
    counts.set(build.image, count);
    if (count <= MOST_BUILDS_OF_AN_IMAGE) kept.push(build);
  }
  return kept.reverse();
}

export function withEvents(old: readonly Activity[], fresh: readonly Activity[]): readonly Activity[] {
  // A stream that begins anew tells again what is known.
  const last = old[old.length - 1]?.id ?? -1;
  const added = fresh.filter((event) => event.id > last);
  return added.length === 0 ? old : [...old, ...added].slice(-MOST_EVENTS);
}

export function changesOf(changes: Changes, workload: string): Change[] {
  return [...changes.values()].filter((change) => change.services.includes(workload));
}
