// The page's shortcuts. They are silent while one types, and leave every key with a modifier to the browser.

import { act, type Action } from '../state/actions';
import { go, route } from '../state/location';
import { connection, serviceOf, snapshot } from '../state/store';
import { helpOpen } from './help';

export function startKeyboard(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || helpOpen.peek()) return;
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    if (isTyping(target)) {
      if (leave(event.key, target)) event.preventDefault();
      return;
    }
    if (handle(event.key, target)) event.preventDefault();
  });
}

function isTyping(target: HTMLElement): boolean {
  return target.isContentEditable || target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement
    || target instanceof HTMLSelectElement;
}

/** Out of a filter: Enter goes on to what it has left, Escape clears it. */
function leave(key: string, target: HTMLElement): boolean {
  const filter = target instanceof HTMLInputElement && 'filter' in target.dataset ? target : null;
  if (key === 'Enter' && filter !== null) return moveBy(1);
  if (key !== 'Escape') return false;
  if (filter !== null && filter.value !== '') {
    filter.value = '';
    filter.dispatchEvent(new Event('input', { bubbles: true }));
  }
  target.blur();
  return true;
}

function handle(key: string, target: HTMLElement): boolean {
  switch (key) {
    case '/': return focusFilter();
    case 'j': return moveBy(1);
    case 'k': return moveBy(-1);
    case 'r': return actOn(workloadAt(target), 'restart');
    case 'b': return actOn(workloadAt(target), 'trigger');
    case 'l':
      go({ view: 'logs', service: workloadAt(target) });
      return true;
    case '?':
      helpOpen.value = true;
      return true;
    case 'Escape': return back();
    default: return false;
  }
}

function focusFilter(): boolean {
  const filter = document.querySelector<HTMLInputElement>('[data-filter]');
  filter?.focus();
  filter?.select();
  return filter !== null;
}

function moveBy(step: number): boolean {
  const links = [...document.querySelectorAll<HTMLElement>('.row-link')];
  if (links.length === 0) return false;
  const row = document.activeElement?.closest('[data-workload]');
  const at = links.findIndex((link) => link.closest('[data-workload]') === row);
  const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step));
  links[next]?.focus();
  return true;
}

/** The service of the row with the focus, or of the page; empty where there is none. */
function workloadAt(target: HTMLElement): string {
  const row = target.closest<HTMLElement>('[data-workload]')?.dataset.workload;
  if (row !== undefined) return row;
  const at = route.peek();
  if (at.view === 'service') return at.workload;
  return at.view === 'logs' ? at.service : '';
}

function actOn(workload: string, action: Action): boolean {
  const service = serviceOf(workload);
  const possible = service !== undefined && service.images.length > 0 && !service.stopped
    && snapshot.peek() === null && connection.peek().state === 'open';
  if (possible) void act(service, action);
  return possible;
}

function back(): boolean {
  const at = route.peek();
  if (at.view === 'logs' && serviceOf(at.service) !== undefined) go({ view: 'service', workload: at.service });
  else if (at.view !== 'services') go({ view: 'services' });
  return at.view !== 'services';
}
