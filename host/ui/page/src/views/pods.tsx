// The pods of a service as the runtime tells them: containers, images, and the events that say why one does not come up.

import type { PodContainer, PodDetail, PodEvent, ServiceDetail, Supervised } from '../api/types';
import { counted } from '../model/duration';
import type { Tone } from '../model/words';
import { Ago } from '../parts/ago';
import { Dot } from '../parts/state';
import { status } from '../state/store';

export function Pods({ detail, workload }: { detail: ServiceDetail | undefined; workload: string }) {
  const agents = status.value?.pods.filter((pod) => pod.workload === workload) ?? [];
  return (
    <section class="panel" aria-labelledby="pods-title">
      <h2 id="pods-title">Pods</h2>
      {detail === undefined ? <p class="muted">Asking the runtime.</p> : null}
      {detail === undefined || detail.podsProblem === '' ? null : (
        <p class="tone-bad">The runtime could not be asked: {detail.podsProblem}</p>
      )}
      {detail !== undefined && detail.pods.length === 0 && detail.podsProblem === '' ? <p class="muted">There is none.</p> : null}
      {detail?.pods.map((pod) => (
        <PodCard key={pod.name} pod={pod} supervised={agents.find((agent) => agent.name === pod.name)?.containers ?? []} />
      ))}
    </section>
  );
}

function PodCard({ pod, supervised }: { pod: PodDetail; supervised: readonly Supervised[] }) {
  return (
    <article class="pod" aria-label={pod.name}>
      <h3 class="mono">{pod.name}</h3>
      <p class="pod-line">
        <Dot tone={pod.ready ? 'good' : 'warn'} />
        {pod.phase}, {pod.ready ? 'ready' : 'not ready'}
        {pod.started === '' ? null : <span class="faint">started <Ago time={pod.started} /></span>}
        {pod.node === '' ? null : <span class="faint">on {pod.node}</span>}
      </p>
      <ul class="plain containers" aria-label="Containers">
        {pod.containers.map((container) => (
          <ContainerLine key={container.name} container={container}
            agent={supervised.find((one) => one.name === container.name)} />
        ))}
      </ul>
      {pod.events.length === 0 ? null : <Events events={pod.events} />}
    </article>
  );
}

function toneOfContainer(container: PodContainer, agent: Supervised | undefined): Tone {
  if (agent?.state === 'held') return 'bad';
  if (container.state === 'running') return container.ready ? 'good' : 'warn';
  if (container.state === 'terminated') return container.exitCode === 0 ? 'idle' : 'bad';
  return 'warn';
}

function ContainerLine({ container, agent }: { container: PodContainer; agent: Supervised | undefined }) {
  // A held process is a running container to the runtime; what its agent tells is nearer to the truth.
  const state = agent === undefined || agent.state === 'unknown' ? container.state : agent.state;
  const exit = agent?.state === 'held' ? agent.exitCode : container.exitCode;
  const words = [
    state,
    container.reason,
    exit === null ? '' : `exit code ${exit}`,
    agent === undefined ? '' : `generation ${agent.generation}`,
    container.restarts > 0 ? counted(container.restarts, 'restart') : '',
  ];
  return (
    <li class={container.ours ? 'faint' : undefined}>
      <span class="pod-line">
        <Dot tone={toneOfContainer(container, agent)} />
        <strong>{container.name}</strong> {words.filter((word) => word !== '').join(', ')}
      </span>
      <span class="mono faint image">{container.image}</span>
      {agent === undefined || agent.lastError === '' ? null : <span class="tone-bad">{agent.lastError}</span>}
    </li>
  );
}

function Events({ events }: { events: readonly PodEvent[] }) {
  const warnings = events.some((event) => event.type === 'Warning');
  return (
    <details class="pod-events" open={warnings}>
      <summary>{counted(events.length, 'event')}</summary>
      <ul class="plain">
        {[...events].reverse().map((event, index) => (
          <li key={index} class={event.type === 'Warning' ? 'tone-warn' : undefined}>
            <strong>{event.reason}</strong> {event.message}
            <span class="faint"> {event.count > 1 ? `${event.count} times, ` : ''}<Ago time={event.time} /></span>
          </li>
        ))}
      </ul>
    </details>
  );
}
