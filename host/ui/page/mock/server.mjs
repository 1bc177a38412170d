// A played watch for developing the page without one: the API with data that moves, on loopback alone.
//   node mock/server.mjs [--port 4300] [--services 9] [--rate 5]
// --services and --rate (log lines a second) make it as large and loud as one likes. It serves dist/ where that was built,
// with the same content security policy as the watch.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Logs } from './logs.mjs';
import { World } from './world.mjs';

const { values: options } = parseArgs({
  options: { port: { type: 'string', default: '4300' }, services: { type: 'string', default: '9' }, rate: { type: 'string', default: '5' } },
});
const DIST = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const TOKEN = `played-${process.pid}`;
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
  + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/assets/app.js': ['assets/app.js', 'text/javascript; charset=utf-8'],
  '/assets/app.css': ['assets/app.css', 'text/css; charset=utf-8'],
  '/favicon.svg': ['favicon.svg', 'image/svg+xml'],
};

const services = Number(options.services);
const rate = Number(options.rate);
const world = new World(services);
const logs = new Logs(world);
const COMMENT_EVERY_MS = 15_000;

function json(answer, value, code = 200) {
  answer.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

const failure = (answer, code, error, next_step = '') => json(answer, { error, next_step }, code);

function events(request, answer) {
  answer.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const send = ({ id, type, data }) => answer.write(`${type === 'status' ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  const after = Number(request.headers['last-event-id'] ?? 0);
  for (const event of world.events) if (event.id > after) send(event);
  answer.write(': here\n\n');
  const timer = setInterval(() => answer.write(': here\n\n'), COMMENT_EVERY_MS);
  world.listeners.add(send);
  answer.on('close', () => {
    clearInterval(timer);
    world.listeners.delete(send);
  });
}

function readLogs(query, answer) {
  let wanted;
  try {
    wanted = logs.filter(query);
  } catch {
    failure(answer, 400, 'grep is no regular expression', 'Mend it.');
    return;
  }
  answer.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  const send = (line) => answer.write(`${JSON.stringify(line)}\n`);
  for (const line of logs.read(query)) send(line);
  if (query.get('follow') !== 'true') {
    answer.end();
    return;
  }
  const listener = (line) => wanted(line) && send(line);
  logs.listeners.add(listener);
  answer.on('close', () => logs.listeners.delete(listener));
}

function act(request, answer, name, action) {
  const one = world.find(name);
  if (request.headers.authorization !== `Bearer ${TOKEN}`) failure(answer, 403, 'the token is another one', 'Reload the page.');
  else if (one === undefined) failure(answer, 404, `there is no service ${name}`, 'synchost status names them.');
  else if (one.name === 'search') failure(answer, 409, 'search has no container that runs yet', 'Wait until StatefulSet/db is ready.');
  else setTimeout(() => json(answer, world.act(one, action)), 120);
}

function snapshot() {
  return {
    snapshot: 1, time: new Date().toISOString(), version: '0.9.0', status: world.status(), changes: world.changes, builds: world.builds,
    services: Object.fromEntries(world.services.map((one) => [one.workload, world.detail(one)])),
    events: world.events.filter(({ type }) => type === 'activity').map(({ data }) => data), logs: logs.lines.slice(-20_000),
  };
}

async function snapshotPage(answer) {
  const [html, script, style] = await Promise.all(
    ['index.html', 'assets/app.js', 'assets/app.css'].map((name) => readFile(path.join(DIST, name), 'utf8')),
  );
  const data = JSON.stringify(snapshot()).replaceAll('<', '\\u003c');
  // Functions, since a dollar in the replacement would have a meaning of its own.
  const page = html
    .replace('<link rel="stylesheet" href="/assets/app.css">', () => `<style>${style}</style>`)
    .replace('<script type="module" src="/assets/app.js"></script>', () =>
      `<script type="application/json" id="synchost-snapshot">${data}</script><script type="module">${script}</script>`);
  answer.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Disposition': 'attachment; filename="synchost.html"' }).end(page);
}

async function file(answer, [name, type]) {
  let content = await readFile(path.join(DIST, name));
  if (name === 'index.html') content = content.toString().replace('name="synchost-token" content=""', `name="synchost-token" content="${TOKEN}"`);
  answer.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': POLICY, 'Cache-Control': 'no-store' }).end(content);
}

async function route(request, answer) {
  const url = new URL(request.url, 'http://127.0.0.1');
  const query = url.searchParams;
  if (FILES[url.pathname] !== undefined) return file(answer, FILES[url.pathname]);
  if (url.pathname === '/snapshot.html') return snapshotPage(answer);
  const [, service, action] = /^\/api\/v1\/services\/([^/]+)(?:\/(restart|trigger|pause|resume|stop|start))?$/.exec(url.pathname) ?? [];
  if (service !== undefined) {
    const name = decodeURIComponent(service);
    if (action !== undefined) return act(request, answer, name, action);
    const one = world.find(name);
    return one === undefined ? failure(answer, 404, `there is no service ${name}`) : json(answer, world.detail(one));
  }
  switch (url.pathname) {
    case '/api/v1/status': return json(answer, world.status());
    case '/api/v1/events': return events(request, answer);
    case '/api/v1/logs': return readLogs(query, answer);
    case '/api/v1/snapshot': return json(answer, snapshot());
    case '/api/v1/builds': return json(answer, { builds: world.builds.filter((build) => query.get('image') === null || build.image === query.get('image')) });
    case '/api/v1/changes': {
      const workload = query.get('service');
      const wanted = world.changes.filter((change) => workload === null || change.services.includes(world.find(workload)?.workload));
      return json(answer, { changes: wanted.slice(-Number(query.get('limit') ?? 200)) });
    }
    default: return failure(answer, 404, 'there is nothing here');
  }
}

const PARTS_OF_A_SECOND = 20;
let owed = 0;
setInterval(() => {
  owed += rate / PARTS_OF_A_SECOND;
  for (; owed >= 1; owed -= 1) logs.write();
}, 1000 / PARTS_OF_A_SECOND);
setInterval(() => world.tick(), services > 50 ? 100 : 2500);

createServer((request, answer) => {
  route(request, answer).catch((error) => failure(answer, 500, error.message, 'Is dist/ built? npm run build'));
}).listen(Number(options.port), '127.0.0.1', () => console.log(`the played watch: http://127.0.0.1:${options.port}`));
