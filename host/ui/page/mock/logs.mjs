// The played logs of the mock: a ring of lines that grows at the rate asked for.

const MOST = 200_000;
const LINES = [
  'INFO  GET /api/todos 200 in 4 ms',
  'INFO  GET /healthz 200 in 0 ms',
  '\x1b[32mINFO\x1b[0m  POST /api/todos 201 in 12 ms \x1b[2mrequest=8f2c\x1b[0m',
  '\x1b[33mWARN\x1b[0m  slow query: \x1b[1mselect * from todo\x1b[0m took 312 ms',
  '{"level":"info","msg":"flushed","count":42,"took_ms":3}',
  '\x1b[31;1mERROR\x1b[0m could not send mail: \x1b[38;5;208mconnection reset\x1b[0m by \x1b[38;2;120;160;255msmtp.local\x1b[0m',
  'level=debug msg="cache hit" key=todo:17',
  'DEBUG a long line that tells of everything at once: ' + 'lorem ipsum dolor sit amet consectetur adipiscing elit '.repeat(5),
];

export class Logs {
  constructor(world) {
    this.world = world;
    this.lines = [];
    this.written = 0;
    this.listeners = new Set();
    const start = Date.now() - 3_600_000;
    for (let i = 0; i < 12_000; i += 1) this.write(start + i * 300);
  }

  write(ms = Date.now()) {
    this.written += 1;
    const n = this.written;
    const building = n % 29 === 0;
    const one = this.world.services[n % this.world.services.length];
    const pods = this.world.pods(one);
    const at = `${new Date(ms).toISOString().slice(0, -1)}${String(n % 1_000_000).padStart(6, '0')}Z`;
    const line = building
      ? { time: at, service: 'Build/todo-worker', pod: 'build 3', container: '', stream: 'stdout', text: `#24 Collecting flask==3.0.${n % 9}`, cut: false }
      : {
          time: at, service: one.workload, pod: pods[n % Math.max(1, pods.length)] ?? `${one.name}-gone`, container: one.name,
          stream: n % 5 === 0 ? 'stderr' : 'stdout', text: `${LINES[(n * 7) % LINES.length]} #${n}`, cut: false,
        };
    this.lines.push(line);
    if (this.lines.length > MOST) this.lines.splice(0, MOST / 10);
    for (const listener of this.listeners) listener(line);
    if (n % 5000 === 0) {
      for (const listener of this.listeners) listener({ gap: true, time: at, service: one.workload, pod: line.pod, container: line.container });
    }
  }

  /** A test of one line, after the query's parameters. */
  filter(query) {
    const names = (query.get('service') ?? '').split(',').filter((name) => name !== '');
    const workloads = names.map((name) => this.world.find(name)?.workload ?? name);
    const source = query.get('source') ?? 'runtime';
    const grep = query.get('grep') ?? '';
    // RE2 has inline flags, JavaScript does not.
    const wanted = grep === '' ? null : new RegExp(grep.replace(/^\(\?i\)/, ''), grep.startsWith('(?i)') ? 'i' : '');
    return (line) => (workloads.length === 0 || workloads.includes(line.service))
      && (source === 'all' || (source === 'build') === line.service.startsWith('Build/'))
      && (query.get('pod') === null || line.pod === query.get('pod'))
      && (query.get('container') === null || line.container === query.get('container'))
      && (query.get('until') === null || line.time < query.get('until'))
      && (query.get('since') === null || line.time >= query.get('since'))
      && (wanted === null || line.gap || wanted.test(line.text));
  }

  read(query) {
    const found = this.lines.filter(this.filter(query));
    const tail = query.get('tail');
    return tail === null ? found : Number(tail) === 0 ? [] : found.slice(-Number(tail));
  }
}
