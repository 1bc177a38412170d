// The played project of the mock: services in every state, and what happens to them as time goes by.

const TRACEBACK = `Traceback (most recent call last):
  File "/srv/api/app.py", line 61, in <module>
    server = make_server(settings)
  File "/srv/api/app.py", line 38, in make_server
    store = Store(settings.database_url)
  File "/srv/api/store.py", line 17, in __init__
    self.pool = connect(url, timeout=settings.timeout)
NameError: name 'settings' is not defined`;

const time = (ms = Date.now()) => `${new Date(ms).toISOString().slice(0, -1)}${String(Math.floor(Math.random() * 1e6)).padStart(6, '0')}Z`;
const minutesAgo = (minutes) => time(Date.now() - minutes * 60_000);
const between = (low, high) => Math.round(low + Math.random() * (high - low));

function service(name, kind, more = {}) {
  const { replicas = 1, current = replicas, ...rest } = more;
  return {
    name, workload: `${kind}/${name}`, labels: { app: name, tier: 'backend', team: 'core' }, images: [`todo-${name}`], depends_on: [],
    trigger: 'automatic', state: 'running', reason: '', next_step: '', since: minutesAgo(12),
    replicas: { wanted: replicas, there: replicas, current }, restarts: 0, paused: false, stopped: false,
    ports: [], links: [], probes: [], last_change: null, ...rest,
  };
}

const port = (number, local, problem = '') => ({
  port: number, local, url: `http://127.0.0.1:${local}`, state: problem === '' ? 'open' : 'closed', problem,
});

function played() {
  return [
    service('db', 'StatefulSet', { images: [], labels: { app: 'db', tier: 'data', team: 'core' }, ports: [port(5432, 35432)] }),
    service('api', 'Deployment', {
      replicas: 3, current: 2, state: 'crashed', reason: 'exit code 1; it starts again on the next save',
      next_step: 'Mend api/store.py and save it, or restart the service.', restarts: 4, depends_on: ['StatefulSet/db'],
      ports: [port(8080, 41234)], probes: [
        { container: 'api', kind: 'readiness', text: 'http GET :8080/healthz every 10 s' },
        { container: 'api', kind: 'liveness', text: 'tcp :8080 every 20 s' },
      ],
    }),
    service('ui', 'Deployment', {
      replicas: 2, labels: { app: 'ui', tier: 'frontend', team: 'web' }, ports: [port(80, 41235)],
      links: [{ name: 'Storybook', url: 'http://127.0.0.1:6006' }, { name: 'Odd', url: 'javascript:alert(1)' }],
    }),
    service('worker', 'Deployment', { state: 'building', reason: 'worker/requirements.txt was saved', replicas: 2 }),
    service('mailer', 'Deployment', {
      state: 'failed', reason: 'the build failed at line 14 of mailer/Dockerfile', labels: { app: 'mailer', tier: 'backend', team: 'growth' },
      next_step: 'Mend the Dockerfile; saving it builds again.',
    }),
    service('search', 'Deployment', {
      state: 'waiting', reason: 'for StatefulSet/db to be ready', replicas: 1, current: 0, depends_on: ['StatefulSet/db'],
      labels: { app: 'search', tier: 'backend', team: 'growth' },
    }),
    service('docs', 'Deployment', {
      state: 'paused', paused: true, reason: '2 saves wait until it is resumed', labels: { app: 'docs', tier: 'frontend', team: 'web' },
      ports: [port(80, 41236, 'port 41236 is taken by another program')],
    }),
    service('legacy', 'Deployment', {
      state: 'stopped', stopped: true, replicas: 0, trigger: 'manual', labels: { app: 'legacy', tier: 'backend', team: 'core' },
    }),
    service('migrate', 'Job', {
      state: 'ended', reason: 'exit code 0', replicas: 1, replicasNull: true, labels: { app: 'migrate', tier: 'data', team: 'core' },
    }),
  ];
}

const TEAMS = ['core', 'web', 'growth', 'data'];

function filler(number) {
  const name = `svc-${String(number).padStart(3, '0')}`;
  const team = TEAMS[number % TEAMS.length];
  return service(name, 'Deployment', { replicas: 1 + (number % 3), labels: { app: name, tier: 'backend', team }, ports: [port(80, 42000 + number)] });
}

export class World {
  constructor(count) {
    this.services = played();
    for (let i = this.services.length; i < count; i += 1) this.services.push(filler(i));
    for (const one of this.services) {
      if (one.replicasNull) one.replicas.wanted = null;
      delete one.replicasNull;
      one.generation = 12;
    }
    this.changes = [];
    this.builds = [];
    this.events = [];
    this.listeners = new Set();
    this.eventId = 0;
    this.version = 0;
    this.history();
  }

  find(name) {
    return this.services.find((one) => one.workload === name || one.name === name);
  }

  /** Sends an event of the stream to all who listen, and keeps it for those who come later. */
  emit(type, data) {
    this.eventId += 1;
    const event = { id: this.eventId, type, data: type === 'activity' ? { id: this.eventId, ...data } : data };
    if (type !== 'status') this.events = [...this.events, event].slice(-1000);
    for (const listener of this.listeners) listener(event);
  }

  changed() {
    this.version += 1;
    this.emit('status', { version: this.version });
  }

  history() {
    for (let i = 0; i < 60; i += 1) this.sync(this.find(i % 3 === 0 ? 'ui' : 'api'), minutesAgo(60 - i), i % 11 === 7);
    this.rebuild(this.find('worker'), minutesAgo(30), 'built');
    this.rebuild(this.find('api'), minutesAgo(44), 'built');
    this.rebuild(this.find('api'), minutesAgo(21), 'unchanged');
    this.rebuild(this.find('mailer'), minutesAgo(3), 'failed');
    this.rebuild(this.find('worker'), time(), 'running');
    this.change(this.find('docs'), { kind: 'held', sources: ['docs/index.md'], reason: 'the service is paused', outcome: 'pending' });
    this.change(this.find('api'), { kind: 'ignored', sources: ['README.md'], reason: 'nothing in the Dockerfile uses it', outcome: 'done' });
    this.sync(this.find('api'), minutesAgo(1), false);
  }

  change(one, more) {
    const change = {
      id: this.changes.length + 1, time: time(), image: one.images[0] ?? '', services: [one.workload], kind: 'sync', outcome: 'done',
      sources: [], source_count: more.sources?.length ?? 0, reason: '', generation: 0, containers: 0, files: [], file_count: 0, after: '',
      phases: [], total_us: 0, build: null, error: '', next_step: '', ...more,
    };
    this.changes.push(change);
    one.last_change = change.id;
    this.emit('change', change);
    return change;
  }

  sync(one, at = time(), slow = false) {
    const ui = one.name === 'ui';
    const source = ui ? 'ui/server.js' : `${one.name}/app.py`;
    const us = { detected: between(1500, 3200), encoded: between(200, 700), sent: between(500, 1500), applied: between(400, 1300) };
    const restart = between(80_000, 130_000) * (slow ? 6 : 1);
    one.generation += 1;
    const change = this.change(one, {
      time: at, sources: [source], source_count: 1, reason: `COPY at line ${ui ? 12 : 33} of Dockerfile lays it at /srv/${source}`,
      generation: one.generation, containers: one.replicas.there, after: 'restart', total_us: Object.values(us).reduce((a, b) => a + b, 0),
      files: [{ path: `/srv/${source}`, source, what: 'written' }], file_count: 1,
      phases: [...Object.entries(us), ['restarted', restart]].map(([name, value]) => ({ name, us: value })),
    });
    this.activity('synced', 'good', one.images[0], `${source} in ${(change.total_us / 1000).toFixed(1)} ms, ${one.replicas.there} containers`);
    return change;
  }

  rebuild(one, at, outcome) {
    const failed = outcome === 'failed';
    const ms = between(1800, 5200);
    const build = {
      id: this.builds.length + 1, image: one.images[0], time: at, outcome, ms, push_ms: outcome === 'built' ? between(60, 240) : 0,
      layers: 7, bytes_sent: between(90_000, 4_000_000), cause: `${one.name}/requirements.txt: RUN at line 24 reads it`,
      steps: [
        { line: 3, text: 'FROM docker.io/library/python:3.11-slim AS base', stage: 'base', cached: true, failed: false, ms: 0, why: [] },
        { line: 21, text: `COPY ${one.name}/requirements.txt /srv/`, stage: 'base', cached: false, failed: false, ms: 6, why: ['requirements.txt changed'] },
        { line: 24, text: 'RUN pip install --no-cache-dir -r /srv/requirements.txt', stage: 'base', cached: false, failed, ms: ms - 130, why: ['the step before it changed'] },
        ...(failed ? [] : [{ line: 33, text: `COPY ${one.name} /srv/${one.name}`, stage: '', cached: false, failed: false, ms: 18, why: ['the step before it changed'] }]),
      ],
      error: failed ? 'RUN at line 14 ended with exit code 1\nERROR: No matching distribution found for flask==33.0' : '',
      next_step: failed ? 'Name a version in mailer/requirements.txt that exists.' : '',
    };
    this.builds.push(build);
    this.emit('build', build);
    this.change(one, {
      time: at, kind: 'rebuild', sources: [`${one.name}/requirements.txt`], source_count: 1, build: build.id,
      outcome: { running: 'pending', failed: 'failed' }[outcome] ?? 'done', reason: 'RUN at line 24 of Dockerfile reads it',
      total_us: outcome === 'running' ? 0 : (ms + 700) * 1000, error: build.error, next_step: build.next_step,
      phases: outcome === 'running' ? [] : [
        { name: 'detected', us: 2300 }, { name: 'built', us: ms * 1000 }, { name: 'pushed', us: build.push_ms * 1000 },
        { name: 'deployed', us: failed ? 0 : 700_000 },
      ],
    });
    this.activity(failed ? 'failed' : 'rebuild', failed ? 'bad' : 'plain', build.image, build.cause, build.next_step);
  }

  activity(kind, tone, subject, text, next_step = '') {
    this.emit('activity', { time: time(), kind, tone, subject: subject ?? '', text, next_step });
  }

  act(one, action) {
    if (action === 'pause' || action === 'resume') one.paused = action === 'pause';
    if (action === 'stop' || action === 'start') {
      one.stopped = action === 'stop';
      one.replicas = { ...one.replicas, there: one.stopped ? 0 : 1, current: one.stopped ? 0 : 1 };
    }
    one.state = one.stopped ? 'stopped' : one.paused ? 'paused' : 'running';
    one.reason = '';
    one.next_step = '';
    one.since = time();
    if (action === 'trigger') this.rebuild(one, time(), 'built');
    this.changed();
    return {
      restart: { service: one.workload, containers: one.replicas.there, ms: between(90, 130) },
      trigger: { service: one.workload, images: one.images.map((name) => ({ name, outcome: 'built' })) },
    }[action] ?? { service: one.workload, paused: one.paused, stopped: one.stopped };
  }

  pods(one) {
    return Array.from({ length: one.replicas.there }, (_, i) => `${one.name}-6f7c9d-${'abcdefgh'[i] ?? i}x2k`);
  }

  status() {
    const built = this.services.filter((one) => one.images.length > 0);
    return {
      version: '0.9.0', project: 'todo', folder: '/home/me/todo', pid: process.pid, deploying: false, well: false,
      runtime: 'podman runtime', services: this.services.map(({ generation: _generation, ...one }) => one),
      images: built.map((one) => ({
        name: one.images[0], digest: 'sha256:0123', generation: one.generation, paths: 14, building: one.state === 'building',
        build_failed: one.state === 'failed',
      })),
      pods: built.flatMap((one) => this.pods(one).map((name, index) => {
        const fallen = one.state === 'crashed' && index === 0;
        return {
          name, workload: one.workload, connected: true, containers: [{
            name: one.name, image: one.images[0], state: fallen ? 'held' : 'running', generation: one.generation - (index === 2 ? 1 : 0),
            current: !fallen, starts: 1 + one.restarts, exit_code: fallen ? 1 : null, gate: 'current', last_error: '', next_step: '',
            last_output: fallen ? `serving on :8080\n${TRACEBACK}\n` : '',
          }],
        };
      })),
    };
  }

  detail(one) {
    return {
      service: one, pods_problem: one.name === 'search' ? 'the runtime does not answer: podman: connection refused' : '',
      pods: this.pods(one).map((name, index) => ({
        name, phase: 'Running', ready: !(one.state === 'crashed' && index === 0), started: minutesAgo(50), node: '',
        containers: [
          { name: one.name, image: one.images[0] ?? 'postgres:15', state: 'running', reason: '', exit_code: null, restarts: one.restarts, ready: true, ours: false },
          { name: 'synchost-agent', image: 'synchost-agent', state: 'running', reason: '', exit_code: null, restarts: 0, ready: true, ours: true },
        ],
        events: [
          { time: minutesAgo(50), type: 'Normal', reason: 'Started', message: `Started container ${one.name}`, count: 1 },
          ...(one.state === 'crashed' ? [{ time: minutesAgo(1), type: 'Warning', reason: 'Unhealthy', message: 'Readiness probe failed: HTTP probe failed with statuscode: 503', count: 7 }] : []),
        ],
      })),
    };
  }

  /** Something happens: a save, most often. */
  tick() {
    const one = this.services[between(0, this.services.length - 1)];
    if (one.state !== 'running' || one.images.length === 0) return;
    this.sync(one);
    this.changed();
  }
}
