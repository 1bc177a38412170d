// A service's own page: what is wrong with it, how its changes went and why, its pods, and its last builds.

import { useComputed, useSignal } from '@preact/signals';
import type { Service } from '../api/types';
import { fallen, lastLines, problemsOf } from '../model/problems';
import { writeRoute } from '../model/route';
import { replicasInWords } from '../model/words';
import { Ago } from '../parts/ago';
import { PageControls } from '../parts/controls';
import { Icon } from '../parts/icon';
import { StateBadge } from '../parts/state';
import { useDetail } from '../state/detail';
import { changesOf } from '../state/reducers';
import { builds, changes, generations, serviceOf, status } from '../state/store';
import { Builds } from './builds';
import { ChangeList } from './change_list';
import { Facts } from './facts';
import { Pods } from './pods';
import { ProblemCard } from './problems';
import { Timelines } from './timelines';

export function ServiceView({ workload }: { workload: string }) {
  const service = serviceOf(workload);
  if (service === undefined) {
    return (
      <>
        <h1>{workload}</h1>
        <p class="empty">
          {status.value === null ? 'Waiting for the watch to tell what it runs.' : 'The manifests name no such workload. '}
          <a href="#/">All services</a>
        </p>
      </>
    );
  }
  return <Known service={service} />;
}

function Known({ service }: { service: Service }) {
  const { workload } = service;
  const detail = useDetail(workload);
  const own = useComputed(() => changesOf(changes.value, workload));
  const open = useSignal<number | null>(null);
  const ownBuilds = builds.value.filter((build) => service.images.includes(build.image));
  return (
    <>
      <Heading service={service} />
      <Trouble service={service} />
      <div class="columns">
        <div class="column">
          <Timelines changes={own.value} selected={open.value} onSelect={(id) => { open.value = id; }} />
          <ChangeList changes={own.value} open={open} />
          <Builds builds={ownBuilds} />
        </div>
        <div class="column side">
          <Facts service={service} />
          <Pods detail={detail} workload={workload} />
        </div>
      </div>
    </>
  );
}

function Heading({ service }: { service: Service }) {
  return (
    <div class="heading">
      <a class="back" href="#/" aria-label="All services" title="All services (Esc)"><Icon name="back" /></a>
      <div class="heading-text">
        <h1>{service.name} <span class="faint">{service.workload.split('/')[0]}</span></h1>
        <p>
          <StateBadge state={service.state} />
          {service.since === '' ? null : <span class="faint">since <Ago time={service.since} /></span>}
          <span class="muted">{replicasInWords(service)}</span>
          <span class="muted">{generations.value.get(service.workload)}</span>
        </p>
      </div>
      <div class="heading-tools">
        <a class="button" href={writeRoute({ view: 'logs', service: service.workload })} title="Its logs (l)">
          <Icon name="logs" />
          Logs
        </a>
        <PageControls service={service} />
      </div>
    </div>
  );
}

/** Its problem, and of each other container that has ended badly the output, also when it runs again by now. */
function Trouble({ service }: { service: Service }) {
  const now = status.value;
  if (now === null) return null;
  const problem = problemsOf({ ...now, services: [service] }, builds.value)[0];
  const told = problem === undefined || problem.output === '' ? undefined : fallen(now, service.workload);
  const ended = now.pods
    .filter((pod) => pod.workload === service.workload)
    .flatMap((pod) => pod.containers.map((container) => ({ pod: pod.name, container })))
    .filter(({ container }) => container !== told && container.exitCode !== null && container.exitCode !== 0
      && container.lastOutput !== '');
  return (
    <>
      {problem !== undefined || service.reason === '' ? null : <p class="muted">{service.reason}</p>}
      {problem === undefined ? null : <ProblemCard problem={problem} onItsPage />}
      {ended.map(({ pod, container }) => (
        <details key={pod + container.name} class="panel crash">
          <summary>Last crash of {container.name} in {pod}, exit code {container.exitCode}</summary>
          <pre tabIndex={0} aria-label={`Output of ${container.name}`}>{lastLines(container.lastOutput)}</pre>
        </details>
      ))}
    </>
  );
}
