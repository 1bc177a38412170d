// What the API tells, as the page holds it. host/control/openapi.json describes each field; times are RFC 3339 in UTC.

export const SERVICE_STATES = [
  'building', 'deploying', 'running', 'crashed', 'waiting', 'failed', 'paused', 'stopped', 'ended',
] as const;
export type ServiceState = (typeof SERVICE_STATES)[number];

export interface Replicas {
  /** Null where the manifests name no number (a DaemonSet, a Job). */
  readonly wanted: number | null;
  readonly there: number;
  readonly current: number;
}

export interface Port {
  readonly port: number;
  readonly local: number;
  readonly url: string;
  readonly open: boolean;
  readonly problem: string;
}

export interface Link {
  readonly name: string;
  readonly url: string;
}

export interface Probe {
  readonly container: string;
  readonly kind: string;
  readonly text: string;
}

export interface Service {
  readonly name: string;
  /** Deployment/api: what names it without doubt, and the key of everything that is kept of it. */
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly images: readonly string[];
  readonly dependsOn: readonly string[];
  readonly manual: boolean;
  readonly state: ServiceState;
  readonly reason: string;
  readonly nextStep: string;
  readonly since: string;
  readonly replicas: Replicas;
  readonly restarts: number;
  readonly paused: boolean;
  readonly stopped: boolean;
  readonly ports: readonly Port[];
  readonly links: readonly Link[];
  readonly probes: readonly Probe[];
  readonly lastChange: number | null;
}

export interface Image {
  readonly name: string;
  readonly digest: string;
  readonly generation: number;
  readonly paths: number;
  readonly building: boolean;
  readonly buildFailed: boolean;
}

/** A container that is supervised: what its agent tells. */
export interface Supervised {
  readonly name: string;
  readonly image: string;
  readonly state: string;
  readonly generation: number;
  readonly current: boolean;
  readonly starts: number;
  readonly exitCode: number | null;
  readonly gate: string;
  readonly lastError: string;
  readonly nextStep: string;
  readonly lastOutput: string;
}

export interface Pod {
  readonly name: string;
  readonly workload: string;
  readonly connected: boolean;
  readonly containers: readonly Supervised[];
}

export interface Status {
  readonly version: string;
  readonly project: string;
  readonly folder: string;
  readonly pid: number;
  readonly runtime: string;
  readonly well: boolean;
  readonly images: readonly Image[];
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
}

/** A container as the runtime tells of it, supervised or not. */
export interface PodContainer {
  readonly name: string;
  readonly image: string;
  readonly state: string;
  readonly reason: string;
  readonly exitCode: number | null;
  readonly restarts: number;
  readonly ready: boolean;
  readonly ours: boolean;
}

export interface PodEvent {
  readonly time: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

export interface PodDetail {
  readonly name: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly started: string;
  readonly node: string;
  readonly containers: readonly PodContainer[];
  readonly events: readonly PodEvent[];
}

export interface ServiceDetail {
  readonly pods: readonly PodDetail[];
  readonly podsProblem: string;
}

export const CHANGE_KINDS = ['sync', 'rebuild', 'ignored', 'held'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];
export const CHANGE_OUTCOMES = ['pending', 'done', 'failed', 'superseded'] as const;
export type ChangeOutcome = (typeof CHANGE_OUTCOMES)[number];

export interface Phase {
  readonly name: string;
  readonly us: number;
}

export interface ChangedFile {
  readonly path: string;
  readonly source: string;
  readonly removed: boolean;
}

export interface Change {
  readonly id: number;
  readonly time: string;
  readonly image: string;
  readonly services: readonly string[];
  readonly kind: ChangeKind;
  readonly outcome: ChangeOutcome;
  readonly sources: readonly string[];
  readonly sourceCount: number;
  readonly reason: string;
  readonly generation: number;
  readonly containers: number;
  readonly files: readonly ChangedFile[];
  readonly fileCount: number;
  readonly after: string;
  readonly phases: readonly Phase[];
  /** Save to applied in the last container; of a rebuild, until it is deployed. */
  readonly totalUs: number;
  readonly build: number | null;
  readonly error: string;
  readonly nextStep: string;
}

export interface Step {
  readonly line: number;
  readonly text: string;
  readonly stage: string;
  readonly cached: boolean;
  /** The build ended with it. */
  readonly failed: boolean;
  readonly ms: number;
  readonly why: readonly string[];
}

export const BUILD_OUTCOMES = ['running', 'built', 'unchanged', 'failed', 'superseded'] as const;
export type BuildOutcome = (typeof BUILD_OUTCOMES)[number];

export interface Build {
  readonly id: number;
  readonly image: string;
  readonly time: string;
  readonly outcome: BuildOutcome;
  readonly ms: number;
  readonly pushMs: number;
  readonly layers: number;
  readonly bytesSent: number;
  readonly cause: string;
  readonly steps: readonly Step[];
  readonly error: string;
  readonly nextStep: string;
}

/** What happened, as the watch told it to its terminal. */
export interface Activity {
  readonly id: number;
  readonly time: string;
  readonly kind: string;
  readonly tone: string;
  readonly subject: string;
  readonly text: string;
  readonly nextStep: string;
}

export interface LogRecord {
  readonly gap: false;
  readonly time: string;
  readonly service: string;
  readonly pod: string;
  readonly container: string;
  readonly stderr: boolean;
  readonly text: string;
  readonly cut: boolean;
}

/** Lines are missing: before `time` of one source where it is named, or else between its neighbours. */
export interface LogGap {
  readonly gap: true;
  readonly time: string;
  readonly service: string;
  readonly pod: string;
  readonly container: string;
}

export type LogEntry = LogRecord | LogGap;

export interface Snapshot {
  readonly time: string;
  readonly version: string;
  readonly status: Status;
  readonly changes: readonly Change[];
  readonly builds: readonly Build[];
  readonly services: Readonly<Record<string, ServiceDetail>>;
  readonly events: readonly Activity[];
  readonly logs: readonly LogEntry[];
}
