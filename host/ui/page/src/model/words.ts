// States and changes in words.

import type { Build, Change, Pod, Service, ServiceState } from '../api/types';
import { counted, span } from './duration';

/** What a state asks of the reader: the colour of its dot and its place in a summary. */
export type Tone = 'bad' | 'warn' | 'busy' | 'good' | 'idle';

const TONES: Readonly<Record<ServiceState, Tone>> = {
  crashed: 'bad', failed: 'bad', waiting: 'warn', building: 'busy', deploying: 'busy', running: 'good',
  paused: 'idle', stopped: 'idle', ended: 'idle',
};

export function toneOf(state: ServiceState): Tone {
  return TONES[state];
}

/** The most grave first. */
export const STATES_BY_GRAVITY: readonly ServiceState[] = [
  'crashed', 'failed', 'waiting', 'building', 'deploying', 'running', 'paused', 'stopped', 'ended',
];

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || path;
}

/** app.py, or app.py and 3 more */
export function sourcesInWords(change: Change): string {
  const first = change.sources[0];
  if (first === undefined) return change.kind === 'rebuild' ? change.image : 'files';
  const more = Math.max(change.sourceCount, change.sources.length) - 1;
  return more > 0 ? `${baseName(first)} and ${more} more` : baseName(first);
}

export function phaseUs(change: Change, name: string): number {
  return change.phases.reduce((sum, phase) => (phase.name === name ? sum + phase.us : sum), 0);
}

/**
 * From the save until the process takes connections again, or runs again where it takes none or has not told yet; the time of
 * the sync alone where nothing restarts.
 */
export function backAfterUs(change: Change): number {
  return change.totalUs + phaseUs(change, 'restarted') + phaseUs(change, 'ready');
}

/** How a change went, without its files: synced in 7 ms, restarted in 110 ms. */
export function outcomeInWords(change: Change): string {
  if (change.outcome === 'failed') return change.kind === 'rebuild' ? 'rebuild failed' : 'sync failed';
  if (change.outcome === 'superseded') return 'superseded by a newer save';
  if (change.kind === 'ignored') return 'ignored';
  if (change.kind === 'held') return 'held back';
  if (change.outcome === 'pending') return change.kind === 'rebuild' ? 'rebuilding' : 'syncing';
  if (change.kind === 'rebuild') return `rebuilt in ${span(change.totalUs)}`;
  const restarted = phaseUs(change, 'restarted') > 0 ? `, restarted in ${span(backAfterUs(change))}` : '';
  return `synced in ${span(change.totalUs)}${restarted}`;
}

export function changeTone(change: Change): Tone {
  if (change.outcome === 'failed') return 'bad';
  if (change.kind === 'held') return 'warn';
  if (change.kind === 'ignored' || change.outcome === 'superseded') return 'idle';
  return change.outcome === 'pending' ? 'busy' : 'good';
}

const AFTER: Readonly<Record<string, string>> = {
  restart: 'the process is restarted',
  nothing: 'the process goes on and reads the files itself',
  command: 'a command is run in the container',
  signal: 'the process gets a signal',
};

/** Why this was synced, rebuilt or ignored: one sentence. */
export function decisionInWords(change: Change): string {
  const verb = { sync: 'Synced', rebuild: 'Rebuilt', ignored: 'Ignored', held: 'Held back' }[change.kind];
  const because = change.reason === '' ? '' : ` because ${change.reason}`;
  const after = change.kind === 'sync' ? AFTER[change.after] : undefined;
  return `${verb}${because}${after === undefined ? '' : `; ${after}`}.`;
}

/** 3 of 3; 2 of 3 current; stopped */
export function replicasInWords(service: Service): string {
  const { wanted, there, current } = service.replicas;
  if (service.stopped) return there === 0 ? 'none' : counted(there, 'pod');
  const pods = wanted === null ? counted(there, 'pod') : `${there} of ${wanted}`;
  return current < there ? `${pods}, ${current} current` : pods;
}

/** By workload, the generations of its containers: "generation 12", or how many are at which. */
export function generationsInWords(pods: readonly Pod[]): Map<string, string> {
  const counts = new Map<string, Map<number, number>>();
  for (const pod of pods) {
    const of = counts.get(pod.workload) ?? new Map<number, number>();
    counts.set(pod.workload, of);
    for (const { generation } of pod.containers) of.set(generation, (of.get(generation) ?? 0) + 1);
  }
  return new Map([...counts].map(([workload, of]) => [workload, inWords(of)]));
}

function inWords(counts: ReadonlyMap<number, number>): string {
  const sorted = [...counts].sort(([left], [right]) => right - left);
  if (sorted.length === 1) return `generation ${sorted[0]?.[0]}`;
  return sorted.map(([generation, count]) => `${count} at ${generation}`).join(', ');
}

export function buildInWords(build: Build): string {
  switch (build.outcome) {
    case 'running': return 'building';
    case 'failed': return `failed after ${span(build.ms * 1000)}`;
    case 'superseded': return 'superseded by a newer save';
    case 'unchanged': return `unchanged, in ${span(build.ms * 1000)}`;
    case 'built': return `built in ${span(build.ms * 1000)}${build.pushMs > 0 ? `, pushed in ${span(build.pushMs * 1000)}` : ''}`;
  }
}
