// The route as a signal that follows the URL's fragment.

import { signal } from '@preact/signals';
import { parseRoute, writeRoute, type Route } from '../model/route';

export const route = signal<Route>(parseRoute(location.hash));

export function startRouting(): void {
  addEventListener('hashchange', () => {
    route.value = parseRoute(location.hash);
  });
}

export function go(to: Route): void {
  location.hash = writeRoute(to);
}
