// What only a service's own page needs: its pods as the runtime tells them, and more of its changes.

import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, query } from '../api/client';
import * as shapes from '../api/shapes';
import type { ServiceDetail } from '../api/types';
import { keep } from '../model/keep';
import { withChanges } from './reducers';
import { throttled } from './schedule';
import { changes, connection, era, snapshot, status } from './store';

const INTERVAL_MS = 1_000;
const CHANGES = 200;

/** Undefined until it is known; asked for again as the state changes, at most once a second. */
export function useDetail(workload: string): ServiceDetail | undefined {
  const [detail, setDetail] = useState<ServiceDetail | undefined>(snapshot.value?.services[workload]);
  const open = connection.value.state === 'open';
  const current = era.value;
  useEffect(() => {
    if (snapshot.peek() !== null || !open) return undefined;
    const left = new AbortController();
    const path = `/services/${encodeURIComponent(workload)}`;
    const load = throttled(async () => {
      if (left.signal.aborted) return;
      try {
        const fresh = await get(path, shapes.serviceDetail, left.signal);
        setDetail((old) => keep(old, fresh));
      } catch (error) {
        if (left.signal.aborted) return;
        const podsProblem = error instanceof ApiError ? error.message : 'The answer could not be read';
        setDetail((old) => ({ pods: old?.pods ?? [], podsProblem }));
      }
    }, INTERVAL_MS);
    const forget = status.subscribe(load);
    get(`/changes${query({ service: workload, limit: CHANGES })}`, shapes.changes, left.signal).then(
      (fresh) => { changes.value = withChanges(changes.peek(), fresh); },
      // The changes that the page has are shown; what is wrong, the pods' request tells.
      () => undefined,
    );
    return () => {
      forget();
      left.abort();
    };
  }, [workload, open, current]);
  return detail;
}
