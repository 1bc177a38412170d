// Which services the overview shows, and in which groups.

import type { Service, ServiceState } from '../api/types';

/**
 * The services that have every word of the filter in their name, workload, state, reason, an image or a label written
 * key=value.
 */
export function found(services: readonly Service[], filter: string): readonly Service[] {
  const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return words.length === 0 ? services : services.filter((service) => hasAll(service, words));
}

function hasAll(service: Service, words: readonly string[]): boolean {
  const labels = Object.entries(service.labels).map(([key, value]) => `${key}=${value}`);
  const text = [service.name, service.workload, service.state, service.reason, ...service.images, ...labels]
    .join('\n')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The keys by which the services can be told apart: those that some service has, sorted. */
export function labelKeys(services: readonly Service[]): string[] {
  return [...new Set(services.flatMap((service) => Object.keys(service.labels)))].sort();
}

export interface Group {
  /** The label's value; empty for the services without it, and for the only group where none was asked for. */
  readonly name: string;
  readonly services: readonly Service[];
}

/** Groups by name, services without the label last; within a group in their own order. */
export function grouped(services: readonly Service[], key: string): Group[] {
  if (key === '') return [{ name: '', services }];
  const groups = new Map<string, Service[]>();
  for (const service of services) {
    const name = service.labels[key] ?? '';
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [service]);
    else group.push(service);
  }
  return [...groups]
    .map(([name, members]) => ({ name, services: members }))
    .sort((a, b) => Number(a.name === '') - Number(b.name === '') || a.name.localeCompare(b.name, 'en', { numeric: true }));
}

export function stateCounts(services: readonly Service[]): Map<ServiceState, number> {
  const counts = new Map<ServiceState, number>();
  for (const service of services) counts.set(service.state, (counts.get(service.state) ?? 0) + 1);
  return counts;
}
