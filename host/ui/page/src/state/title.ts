// The tab tells of problems by its title and its icon, also while another tab is in front.

import { effect } from '@preact/signals';
import { route } from './location';
import { problems, serviceOf, snapshot, status } from './store';

/** As data, since a snapshot has no other file to take it from. */
function icon(ground: string, strokes: string): string {
  return `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="${ground}"/>`
    + `<path d="${strokes}" fill="none" stroke="#fff" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`,
  )}`;
}

const WELL = icon('#4f56d8', 'M4.2 6.4h6.3L8.6 4.5M11.8 9.6H5.5l1.9 1.9');
const ALARMED = icon('#c92a3c', 'M8 3.8v4.8M8 11.6v.3');

export function showInTitle(): void {
  effect(() => {
    const count = problems.value.length;
    const names = [viewName(), status.value?.project ?? '', snapshot.value === null ? 'synchost' : 'synchost snapshot'];
    const title = names.filter((name) => name !== '').join(' · ');
    document.title = count > 0 ? `(${count}) ${title}` : title;
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (link !== null) link.href = count > 0 ? ALARMED : WELL;
  });
}

function viewName(): string {
  const at = route.value;
  switch (at.view) {
    case 'services': return '';
    case 'activity': return 'Activity';
    case 'service': return serviceOf(at.workload)?.name ?? at.workload;
    case 'logs': return at.service === '' ? 'Logs' : `Logs of ${serviceOf(at.service)?.name ?? at.service}`;
  }
}
