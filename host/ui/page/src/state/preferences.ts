// What the reader has chosen, kept in the browser. A file:// page or a strict browser may have no storage: it is only for
// comfort, so nothing is said then.

import { effect, signal, type Signal } from '@preact/signals';

function remembered<T extends string>(name: string, initial: T, known?: readonly T[]): Signal<T> {
  const key = `synchost.${name}`;
  let value = initial;
  try {
    const stored = localStorage.getItem(key) as T | null;
    if (stored !== null && (known === undefined || known.includes(stored))) value = stored;
  } catch {
    // As above.
  }
  const kept = signal(value);
  effect(() => {
    try {
      localStorage.setItem(key, kept.value);
    } catch {
      // As above.
    }
  });
  return kept;
}

export const THEMES = ['system', 'light', 'dark'] as const;
export const theme = remembered('theme', 'system', THEMES);
export const groupBy = remembered<string>('group', '');
export const wrapLines = remembered('wrap', 'off', ['off', 'on'] as const);

export function applyTheme(): void {
  effect(() => {
    if (theme.value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  });
}
