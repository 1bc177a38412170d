// A snapshot file holds the data that a live page would ask for.

import { snapshot as decode } from '../api/shapes';
import { withBuilds, withChanges, withEvents } from './reducers';
import { builds, changes, events, snapshot, status } from './store';

/** Fills the store from the page's own data; false where the page is a live one. */
export function loadSnapshot(): boolean {
  const element = document.getElementById('synchost-snapshot');
  if (element === null) return false;
  const data = decode(JSON.parse(element.textContent ?? ''));
  snapshot.value = data;
  status.value = data.status;
  changes.value = withChanges(new Map(), data.changes);
  builds.value = withBuilds([], data.builds);
  events.value = withEvents([], data.events);
  return true;
}
