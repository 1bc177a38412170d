// A service's row of the overview.

import type { Change, Port, Service } from '../api/types';
import { counted } from '../model/duration';
import { changeTone, outcomeInWords, replicasInWords, sourcesInWords } from '../model/words';
import { writeRoute } from '../model/route';
import { Ago } from '../parts/ago';
import { RowControls } from '../parts/controls';
import { memo } from '../parts/memo';
import { Dot, StateBadge } from '../parts/state';
import { WebLink } from '../parts/web_link';
import { snapshot } from '../state/store';

interface Props {
  readonly service: Service;
  readonly generations: string;
  readonly change: Change | undefined;
}

export const ServiceRow = memo(function ServiceRow({ service, generations, change }: Props) {
  return (
    <div role="row" class={`row tone-${service.state}`} aria-label={service.name} data-workload={service.workload}>
      <div role="cell" class="cell-name">
        <a class="row-link" href={writeRoute({ view: 'service', workload: service.workload })}>{service.name}</a>
        <span class="faint">
          {service.workload.split('/')[0]}
          {service.manual ? ', manual' : ''}
        </span>
      </div>
      <div role="cell" class="cell-state">
        <StateBadge state={service.state} />
        {service.reason === '' ? null : <span class="reason" title={service.reason}>{service.reason}</span>}
      </div>
      <div role="cell" class="cell-replicas">
        <span>{replicasInWords(service)}</span>
        <span class="faint">{generations}</span>
        {service.restarts > 0 ? <span class="faint narrow-only">{counted(service.restarts, 'restart')}</span> : null}
      </div>
      <div role="cell" class="cell-change"><LastChange change={change} known={service.lastChange !== null} /></div>
      <div role="cell" class="cell-links"><Links service={service} /></div>
      <div role="cell" class="cell-restarts" title="Starts of its processes beyond the first">
        {service.restarts}
      </div>
      {snapshot.value === null ? <div role="cell" class="cell-controls"><RowControls service={service} /></div> : null}
    </div>
  );
});

/** `known`: there was one, though it may be older than those that the page holds. */
function LastChange({ change, known }: { change: Change | undefined; known: boolean }) {
  if (change === undefined) return <span class="faint">{known ? 'an older change' : 'no change yet'}</span>;
  return (
    <>
      <span class="change-line" title={change.sources.join('\n')}>
        <Dot tone={changeTone(change)} />
        <span class="file">{sourcesInWords(change)}</span>
      </span>
      <span class="faint">
        {outcomeInWords(change)}, <Ago time={change.time} />
      </span>
    </>
  );
}

export function Links({ service }: { service: Service }) {
  return (
    <>
      {service.ports.map((port) => <PortLink key={port.port} service={service} port={port} />)}
      {service.links.map((link) => <WebLink key={link.url} url={link.url}>{link.name}</WebLink>)}
    </>
  );
}

function PortLink({ service, port }: { service: Service; port: Port }) {
  if (!port.open) return <span class="faint" title={port.problem}>{`:${port.port} closed`}</span>;
  // A snapshot may be read on another machine, where that port is somebody else's.
  if (snapshot.value !== null) return <span>{`:${port.local}`}</span>;
  return <WebLink url={port.url} label={`:${port.local}, port ${port.port} of ${service.name}`}>{`:${port.local}`}</WebLink>;
}
