// All services at a glance: problems first, then a row for each, in groups by a label where one is chosen.

import { useComputed, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Service, ServiceState } from '../api/types';
import { found, grouped, labelKeys, stateCounts, type Group } from '../model/services';
import { STATES_BY_GRAVITY, toneOf } from '../model/words';
import { Dot } from '../parts/state';
import { useGrowing } from '../parts/rows';
import { groupBy } from '../state/preferences';
import { changes, generations, services, snapshot, status } from '../state/store';
import { Problems } from './problems';
import { ServiceRow } from './service_row';

export function Overview() {
  const filter = useSignal('');
  const chosen = useSignal<ServiceState | null>(null);
  const shown = useComputed(() => found(services.value, filter.value)
    .filter((service) => chosen.value === null || service.state === chosen.value));
  const all = services.value;
  return (
    <>
      <h1 class="unseen">Services</h1>
      <Problems />
      <div class="toolbar" role="search" aria-label="Services">
        <input type="search" class="filter" placeholder="Filter services" aria-label="Filter services" value={filter.value}
          data-filter onInput={(event) => { filter.value = event.currentTarget.value; }} />
        <GroupChoice services={all} />
        <StateChoice services={all} chosen={chosen.value} onChoose={(state) => { chosen.value = state; }} />
        <span class="faint count" role="status">
          {shown.value.length === all.length ? '' : `${shown.value.length} of ${all.length} shown`}
        </span>
      </div>
      <Table services={shown.value} />
    </>
  );
}

function GroupChoice({ services: all }: { services: readonly Service[] }) {
  const keys = useMemo(() => labelKeys(all), [all]);
  if (keys.length === 0) return null;
  return (
    <label class="choice">
      <span>Group by</span>
      <select value={keys.includes(groupBy.value) ? groupBy.value : ''}
        onChange={(event) => { groupBy.value = event.currentTarget.value; }}>
        <option value="">nothing</option>
        {keys.map((key) => <option key={key} value={key}>{key}</option>)}
      </select>
    </label>
  );
}

interface StateChoiceProps {
  readonly services: readonly Service[];
  readonly chosen: ServiceState | null;
  readonly onChoose: (state: ServiceState | null) => void;
}

/** The number of services in each state; a press shows those alone. */
function StateChoice({ services: all, chosen, onChoose }: StateChoiceProps) {
  const counts = stateCounts(all);
  const states = STATES_BY_GRAVITY.filter((state) => counts.has(state) || state === chosen);
  return (
    <div class="chips" role="group" aria-label="Show one state">
      {states.map((state) => (
        <button key={state} type="button" class="chip" aria-pressed={state === chosen}
          onClick={() => onChoose(state === chosen ? null : state)}>
          <Dot tone={toneOf(state)} />
          {counts.get(state) ?? 0} {state}
        </button>
      ))}
    </div>
  );
}

const COLUMNS = ['Service', 'State', 'Replicas', 'Last change', 'Links', 'Restarts', 'Controls'];

function Table({ services: shown }: { services: readonly Service[] }) {
  const drawn = useGrowing(shown.length);
  const groups = useMemo(() => grouped(shown.slice(0, drawn), groupBy.value), [shown, drawn, groupBy.value]);
  if (status.value === null) return <p class="empty">Waiting for the watch to tell what it runs.</p>;
  if (services.value.length === 0) return <p class="empty">The manifests name no workload.</p>;
  if (shown.length === 0) return <p class="empty">No service matches the filter.</p>;
  return (
    <div class={snapshot.value === null ? 'services' : 'services still'} role="table" aria-label="Services" aria-rowcount={shown.length + 1}>
      <div role="rowgroup" class="table-head">
        <div role="row" class="row head">
          {(snapshot.value === null ? COLUMNS : COLUMNS.slice(0, -1)).map((name) => <div key={name} role="columnheader">{name}</div>)}
        </div>
      </div>
      {groups.map((group) => <GroupRows key={group.name} group={group} />)}
    </div>
  );
}

function GroupRows({ group }: { group: Group }) {
  const label = group.name || `no ${groupBy.value}`;
  const titled = groupBy.value !== '' && labelKeys(services.value).includes(groupBy.value);
  return (
    <div role="rowgroup" aria-label={titled ? label : undefined}>
      {titled ? (
        <div role="row" class="group-row">
          <div role="cell" class="group-name">{label} <span class="faint">{group.services.length}</span></div>
        </div>
      ) : null}
      {group.services.map((service) => (
        <ServiceRow key={service.workload} service={service}
          generations={generations.value.get(service.workload) ?? ''}
          change={service.lastChange === null ? undefined : changes.value.get(service.lastChange)} />
      ))}
    </div>
  );
}
