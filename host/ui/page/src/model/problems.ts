// What is broken, in the order in which one would mend it. Pure: the overview, the title and the favicon read the same list.

import type { Build, Service, Status, Supervised } from '../api/types';

export interface Problem {
  readonly key: string;
  readonly grave: boolean;
  readonly title: string;
  /** Where it is shown in full; null where it is no service's. */
  readonly workload: string | null;
  readonly reason: string;
  /** Its last lines, at most 200. */
  readonly output: string;
  readonly nextStep: string;
}

const MOST_LINES = 200;

/** The last lines, without empty ones at the end: where a traceback says what it is about. */
export function lastLines(output: string, most = MOST_LINES): string {
  return output.trimEnd().split('\n').slice(-most).join('\n');
}

/** The supervised container of a service that tells the most of why it is down. */
export function fallen(status: Status, workload: string): Supervised | undefined {
  return mostTelling(status.pods.filter((pod) => pod.workload === workload).flatMap((pod) => pod.containers));
}

function mostTelling(containers: readonly Supervised[]): Supervised | undefined {
  return containers.find((container) => container.state === 'held' && container.lastOutput !== '')
    ?? containers.find((container) => container.lastError !== '')
    ?? containers.find((container) => container.lastOutput !== '' && container.exitCode !== null && container.exitCode !== 0);
}

/** `container`: the one that tells the most; `build`: the newest one of an image of the service, where it has failed. */
function problemOf(service: Service, container: Supervised | undefined, build: Build | undefined): Problem | null {
  const { state, workload } = service;
  const base = { key: workload, workload, title: `${service.name} ${state}` };
  if (state === 'crashed') {
    return {
      ...base, grave: true, reason: service.reason || container?.lastError || '',
      output: lastLines(container?.lastOutput ?? ''), nextStep: service.nextStep || container?.nextStep || '',
    };
  }
  if (state === 'failed' || build !== undefined) {
    const output = build?.error ?? container?.lastError ?? '';
    return {
      ...base, grave: true, title: build === undefined ? base.title : `${service.name}: the build of ${build.image} failed`,
      reason: service.reason || build?.cause || '', output: output === service.reason ? '' : lastLines(output),
      nextStep: service.nextStep || build?.nextStep || container?.nextStep || '',
    };
  }
  if (container !== undefined && container.lastError !== '') {
    return {
      ...base, grave: true, title: `${service.name}: ${container.name} could not take the last change`,
      reason: container.lastError, output: '', nextStep: container.nextStep,
    };
  }
  // Waiting is part of every start; it is a problem where the server knows what to do about it.
  if (state === 'waiting' && service.nextStep !== '') {
    return { ...base, grave: false, reason: service.reason, output: '', nextStep: service.nextStep };
  }
  const port = service.ports.find((one) => one.problem !== '');
  if (port !== undefined) {
    return {
      ...base, grave: false, title: `${service.name}: port ${port.port} is not reached`, reason: port.problem, output: '',
      nextStep: '',
    };
  }
  return null;
}

/** The grave ones first, else in the manifests' order. */
export function problemsOf(status: Status, builds: readonly Build[]): Problem[] {
  const newest = new Map(builds.map((build) => [build.image, build]));
  const containers = new Map<string, Supervised[]>();
  for (const pod of status.pods) containers.set(pod.workload, [...(containers.get(pod.workload) ?? []), ...pod.containers]);
  const found = status.services
    .map((service) => problemOf(service, mostTelling(containers.get(service.workload) ?? []),
      service.images.map((image) => newest.get(image)).find((build) => build?.outcome === 'failed')))
    .filter((one) => one !== null);
  return [...found.filter((one) => one.grave), ...found.filter((one) => !one.grave)];
}
