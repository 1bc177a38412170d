// The tab tells of problems by its title and its icon, also while another tab is in front.

import { effect } from '@preact/signals';
import { problems, snapshot, status } from './store';

const PLAIN = document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href ?? '';
const ALARMED = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#c92a3c"/>'
  + '<path d="M8 3.8v4.8M8 11.6v.3" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>',
)}`;

export function showInTitle(): void {
  effect(() => {
    const count = problems.value.length;
    const project = status.value?.project ?? '';
    const name = [project, snapshot.value === null ? 'synchost' : 'synchost snapshot'].filter((part) => part !== '').join(' · ');
    document.title = count > 0 ? `(${count}) ${name}` : name;
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (icon !== null) icon.href = count > 0 ? ALARMED : PLAIN;
  });
}
