// What an action has led to, told for a while at the page's edge and in a live region.

import { signal } from '@preact/signals';

export interface Toast {
  readonly id: number;
  readonly failed: boolean;
  readonly text: string;
  readonly nextStep: string;
}

const MOST = 4;
const SHOWN_MS = 6_000;

export const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** Failures stay until they are dismissed: they are read, and say what to do. */
export function tell(text: string, failure?: { readonly nextStep: string }): void {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.value, { id, failed: failure !== undefined, text, nextStep: failure?.nextStep ?? '' }].slice(-MOST);
  if (failure === undefined) setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}
