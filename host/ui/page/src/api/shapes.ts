// The decoders of what the API tells: one for each type of types.ts, whose snake_case names end here.

import { entries, flag, list, number, numberOrNull, oneOf, record, text, texts } from './decode';
import {
  BUILD_OUTCOMES, CHANGE_KINDS, CHANGE_OUTCOMES, SERVICE_STATES,
  type Activity, type Build, type Change, type Image, type LogEntry, type Pod, type PodDetail, type Service,
  type ServiceDetail, type Snapshot, type Status, type Step, type Supervised,
} from './types';

function service(value: unknown): Service {
  const v = record(value);
  const replicas = record(v.replicas);
  return {
    name: text(v.name), workload: text(v.workload), labels: entries(v.labels, text), images: texts(v.images),
    dependsOn: texts(v.depends_on), manual: v.trigger === 'manual', state: oneOf(v.state, SERVICE_STATES, 'waiting'),
    reason: text(v.reason), nextStep: text(v.next_step), since: text(v.since),
    replicas: { wanted: numberOrNull(replicas.wanted), there: number(replicas.there), current: number(replicas.current) },
    restarts: number(v.restarts), paused: flag(v.paused), stopped: flag(v.stopped),
    ports: list(v.ports, (item) => {
      const port = record(item);
      return {
        port: number(port.port), local: number(port.local), url: text(port.url), open: port.state === 'open',
        problem: text(port.problem),
      };
    }),
    links: list(v.links, (item) => ({ name: text(record(item).name), url: text(record(item).url) })),
    probes: list(v.probes, (item) => {
      const probe = record(item);
      return { container: text(probe.container), kind: text(probe.kind), text: text(probe.text) };
    }),
    lastChange: numberOrNull(v.last_change),
  };
}

function image(value: unknown): Image {
  const v = record(value);
  return {
    name: text(v.name), digest: text(v.digest), generation: number(v.generation), paths: number(v.paths),
    building: flag(v.building), buildFailed: flag(v.build_failed),
  };
}

function supervised(value: unknown): Supervised {
  const v = record(value);
  return {
    name: text(v.name), image: text(v.image), state: text(v.state), generation: number(v.generation),
    current: flag(v.current), starts: number(v.starts), exitCode: numberOrNull(v.exit_code), gate: text(v.gate),
    lastError: text(v.last_error), nextStep: text(v.next_step), lastOutput: text(v.last_output),
  };
}

function pod(value: unknown): Pod {
  const v = record(value);
  return {
    name: text(v.name), workload: text(v.workload), connected: flag(v.connected),
    containers: list(v.containers, supervised),
  };
}

export function status(value: unknown): Status {
  const v = record(value);
  return {
    version: text(v.version), project: text(v.project), folder: text(v.folder), pid: number(v.pid),
    runtime: text(v.runtime), well: flag(v.well), images: list(v.images, image), pods: list(v.pods, pod),
    services: list(v.services, service),
  };
}

function podDetail(value: unknown): PodDetail {
  const v = record(value);
  return {
    name: text(v.name), phase: text(v.phase), ready: flag(v.ready), started: text(v.started), node: text(v.node),
    containers: list(v.containers, (item) => {
      const c = record(item);
      return {
        name: text(c.name), image: text(c.image), state: text(c.state), reason: text(c.reason),
        exitCode: numberOrNull(c.exit_code), restarts: number(c.restarts), ready: flag(c.ready), ours: flag(c.ours),
      };
    }),
    events: list(v.events, (item) => {
      const e = record(item);
      return {
        time: text(e.time), type: text(e.type), reason: text(e.reason), message: text(e.message),
        count: number(e.count),
      };
    }),
  };
}

export function serviceDetail(value: unknown): ServiceDetail {
  const v = record(value);
  return { pods: list(v.pods, podDetail), podsProblem: text(v.pods_problem) };
}

export function change(value: unknown): Change {
  const v = record(value);
  return {
    id: number(v.id), time: text(v.time), image: text(v.image), services: texts(v.services),
    kind: oneOf(v.kind, CHANGE_KINDS, 'sync'), outcome: oneOf(v.outcome, CHANGE_OUTCOMES, 'pending'),
    sources: texts(v.sources), sourceCount: number(v.source_count), reason: text(v.reason),
    generation: number(v.generation), containers: number(v.containers),
    files: list(v.files, (item) => {
      const file = record(item);
      return { path: text(file.path), source: text(file.source), removed: file.what === 'removed' };
    }),
    fileCount: number(v.file_count), after: text(v.after),
    phases: list(v.phases, (item) => ({ name: text(record(item).name), us: number(record(item).us) })),
    totalUs: number(v.total_us), build: numberOrNull(v.build), error: text(v.error), nextStep: text(v.next_step),
  };
}

export function changes(value: unknown): Change[] {
  return list(record(value).changes, change);
}

function step(value: unknown): Step {
  const v = record(value);
  return {
    line: number(v.line), text: text(v.text), stage: text(v.stage), cached: flag(v.cached),
    failed: flag(v.failed), ms: number(v.ms), why: texts(v.why),
  };
}

export function build(value: unknown): Build {
  const v = record(value);
  return {
    id: number(v.id), image: text(v.image), time: text(v.time), outcome: oneOf(v.outcome, BUILD_OUTCOMES, 'running'),
    ms: number(v.ms), pushMs: number(v.push_ms), layers: number(v.layers), bytesSent: number(v.bytes_sent),
    cause: text(v.cause), steps: list(v.steps, step), error: text(v.error), nextStep: text(v.next_step),
  };
}

export function builds(value: unknown): Build[] {
  return list(record(value).builds, build);
}

export function activity(value: unknown): Activity {
  const v = record(value);
  return {
    id: number(v.id), time: text(v.time), kind: text(v.kind), tone: text(v.tone), subject: text(v.subject),
    text: text(v.text), nextStep: text(v.next_step),
  };
}

export function logEntry(value: unknown): LogEntry {
  const v = record(value);
  const source = { time: text(v.time), service: text(v.service), pod: text(v.pod), container: text(v.container) };
  return v.gap === true
    ? { gap: true, ...source }
    : { gap: false, ...source, stderr: v.stream === 'stderr', text: text(v.text), cut: flag(v.cut) };
}

export function snapshot(value: unknown): Snapshot {
  const v = record(value);
  return {
    time: text(v.time), version: text(v.version), status: status(v.status), changes: list(v.changes, change),
    builds: list(v.builds, build), services: entries(v.services, serviceDetail), events: list(v.events, activity),
    logs: list(v.logs, logEntry),
  };
}
