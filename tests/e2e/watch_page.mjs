// Uses the page of a running `synchost watch` on the example as a person does, who edits, breaks and mends the API.
//   node watch_page.mjs NODE_MODULES CHROMIUM URL PROJECT DOWNLOADS [SCREENSHOTS]
// Prints a line for each thing that was seen. At `ask ...` it needs something of who started it, and goes on after a line on
// its standard input. Exits 1 with the reason where the page does not do its part, where its scripts
// report an error, or where axe-core finds something serious.
import { readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [modules, executablePath, url, project, downloads, screenshots] = process.argv.slice(2);
const require = createRequire(path.join(modules, 'x.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const STEP_TIMEOUT_MS = 30000;
const HEALTHY = 'return jsonify(status="ok")';
const BROKEN = 'raise RuntimeError("broken on purpose <img src=x onerror=alert(1)>")\n';

const dockerfile = path.join(project, 'Dockerfile');
const AFTER_PACKAGES = 'FROM ${NODE_BUILD} AS ui-packages';
const source = path.join(project, 'api/app.py');
const mended = readFileSync(source, 'utf8');
if (!mended.includes(HEALTHY)) throw new Error(`api/app.py no longer has the line: ${HEALTHY}`);
const edited = (mark) => mended.replace(HEALTHY, `return jsonify(status="ok", mark="${mark}")`);

const ok = (what) => console.log(`ok  ${what}`);
// The page's policy lets nobody evaluate a string in it, as waitForFunction() would.
const until = async (what, holds) => {
  for (const end = Date.now() + STEP_TIMEOUT_MS; !await holds(); await new Promise((done) => setTimeout(done, 50))) {
    if (Date.now() > end) throw new Error(`not in ${STEP_TIMEOUT_MS} ms: ${what}`);
  }
};
const check = (holds, what) => { if (!holds) throw new Error(what); };
const answers = createInterface({ input: process.stdin });
const lines = answers[Symbol.asyncIterator]();
const ask = async (what) => {
  console.log(`ask ${what}`);
  check(!(await lines.next()).done, `nobody answers: ${what}`);
};

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
try {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const problems = [];
  const listen = (page) => {
    page.setDefaultTimeout(STEP_TIMEOUT_MS);
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('dialog', (dialog) => { problems.push(`a dialog: ${dialog.message()}`); void dialog.dismiss(); });
    return page;
  };
  const page = listen(await context.newPage());
  const row = (name) => page.getByRole('row', { name, exact: true });
  const cell = (name, kind) => row(name).locator(`.cell-${kind}`);
  const show = async (name) => {
    if (!screenshots) return;
    mkdirSync(screenshots, { recursive: true });
    await page.bringToFront();
    await page.locator('.toast').first().waitFor({ state: 'detached' });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(screenshots, `${name}-${colorScheme}.png`) });
    }
    await page.emulateMedia({ colorScheme: 'light' });
  };
  const isAccessible = async (view) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(axe);
      const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      const grave = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      const words = grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).slice(0, 3).join(', ')}`);
      check(grave.length === 0, `axe-core finds in ${view}, ${colorScheme}: ${words.join('; ')}`);
    }
    await page.emulateMedia({ colorScheme: 'light' });
    ok(`axe-core finds nothing serious in ${view}, light and dark`);
  };

  await page.goto(url);
  for (const name of ['api', 'ui']) await cell(name, 'state').getByText('running').waitFor();
  check(await page.getByRole('heading', { name: /problem/ }).count() === 0, 'there is a problem at the start');
  ok('both services run');

  writeFileSync(source, edited('first'));
  await cell('api', 'change').getByText(/synced in [\d.]+ m?s, restarted in [\d.]+ m?s/).waitFor();
  check((await cell('api', 'change').innerText()).includes('app.py'), 'the last change does not name its file');
  ok(`a save appears with its times: ${(await cell('api', 'change').innerText()).replaceAll('\n', ' ')}`);
  await isAccessible('the services');
  await show('services');

  writeFileSync(source, BROKEN + mended);
  const problem = page.getByRole('article').filter({ hasText: 'broken on purpose' });
  await problem.waitFor();
  const output = await problem.getByLabel('The last output').innerText();
  check(output.includes('Traceback') && output.includes('RuntimeError: broken on purpose <img'), `no traceback: ${output}`);
  check(await problem.getByText('Next:').count() === 1, 'the crash has no next step');
  await cell('api', 'state').getByText('crashed').waitFor();
  const top = (await problem.boundingBox()).y;
  check(top < (await page.getByRole('table', { name: 'Services' }).boundingBox()).y, 'the crash does not stand on top');
  check((await page.title()).startsWith('(1)'), `the title does not count the problem: ${await page.title()}`);
  ok('a crash stands on top with its traceback');
  await isAccessible('the services with a crash');
  await show('crash');

  writeFileSync(source, edited('second'));
  await problem.waitFor({ state: 'detached' });
  await cell('api', 'state').getByText('running').waitFor();
  ok('mended, it runs again');

  const before = Number.parseInt(await cell('api', 'restarts').innerText(), 10);
  await page.getByRole('button', { name: 'Restart api' }).click();
  await page.getByRole('status', { name: 'Done' }).getByText(/api: 1 container restarted in/).waitFor();
  await until('the restart is counted', async () => Number.parseInt(await cell('api', 'restarts').innerText(), 10) === before + 1);
  ok('a button restarts a service');

  await page.getByRole('button', { name: 'Pause api' }).click();
  await cell('api', 'state').getByText('paused').waitFor();
  writeFileSync(source, edited('while paused'));
  await cell('api', 'change').getByText('held back').waitFor();
  await page.getByRole('button', { name: 'Resume api' }).click();
  await cell('api', 'state').getByText('running').waitFor();
  await cell('api', 'change').getByText(/synced in/).waitFor();
  ok('a paused service keeps its saves until it is resumed');

  await row('api').getByRole('link', { name: 'api', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: /api/ }).waitFor();
  const first = page.getByRole('listitem').filter({ has: page.getByRole('button', { expanded: false }) }).first();
  await first.getByRole('button').first().click();
  await page.getByText(/because COPY at line \d+ of Dockerfile lays it at \/srv\/api\/app\.py/)
    .first().waitFor();
  await page.getByText(/in place p50 [\d.]+ m?s, p95 [\d.]+ m?s; ready again p50 [\d.]+ m?s/).first().waitFor();
  for (const phase of ['detected', 'encoded', 'sent', 'applied', 'restarted', 'ready'])
    await page.getByRole('group', { name: 'Phases shown' }).getByRole('button', { name: phase, exact: true }).first().waitFor();
  await page.getByRole('heading', { name: 'Pods' }).waitFor();
  await page.getByText(/^\d+ events?$/).first().click();
  await page.getByRole('listitem').filter({ hasText: /^Started Started container api\b/ }).waitFor();
  await page.getByText(/http GET :?\S*\/healthz/).first().waitFor();
  await page.getByRole('table', { name: 'Steps of the build' }).getByText(/^(COPY|RUN|WORKDIR) /).first().waitFor();
  ok('a service shows its timeline, decisions, pods, probes and builds');
  await isAccessible('a service');
  await show('service');
  await page.goBack();
  await until('on the way back the row of the service has the focus', () => page.evaluate(
    () => document.activeElement?.closest('[data-workload]')?.getAttribute('data-workload') === 'Deployment/api'));
  ok('on the way back the service that one comes from has the focus');

  await page.getByRole('link', { name: 'Logs', exact: true }).first().click();
  await page.getByLabel('Filter lines').waitFor();
  await page.getByText(/RuntimeError: broken on purpose <img/).first().waitFor();
  await show('logs');
  await isAccessible('the logs');
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await page.getByLabel('Filter lines').fill('Runtime(Error): bro[a-z]+ on purpose');
  const shown = () => page.locator('.log-row .log-text').allTextContents();
  await until('only lines that match are shown', async () => {
    const texts = await shown();
    return texts.length > 0 && texts.every((text) => text.includes('RuntimeError: broken on purpose'));
  });
  ok('logs are filtered by an expression');
  await page.getByLabel('Filter lines').fill('');
  await page.getByLabel('Source', { exact: true }).selectOption({ label: 'builds' });
  await until('lines of a build are shown', async () => (await shown()).some((line) => /COPY|RUN/.test(line)));
  ok('the output of builds stands apart');

  await page.getByRole('link', { name: 'Activity', exact: true }).click();
  await page.getByText(/app\.py -> 1 container in [\d.]+ m?s \(synced in [\d.]+ m?s, restarted in [\d.]+ m?s\)/).first().waitFor();
  ok('the activity tells when what a save restarted serves again');

  await page.getByRole('link', { name: /^Services/ }).click();
  const opened = page.waitForEvent('popup');
  await row('ui').getByRole('link', { name: /port 80 of ui$/ }).first().click();
  const todo = listen(await opened);
  await todo.getByLabel('What is to be done?').fill('Made behind a link');
  await todo.getByRole('button', { name: 'Add' }).click();
  await todo.getByRole('button', { name: 'Delete: Made behind a link' }).waitFor();
  ok("a port's link opens the todo page, which works");

  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download a snapshot' }).click();
  const file = path.join(downloads, 'snapshot.html');
  await (await download).saveAs(file);
  const offline = listen(await context.newPage());
  await offline.goto(pathToFileURL(file).href);
  await offline.getByText(/snapshot of/i).first().waitFor();
  await offline.getByRole('row', { name: 'api', exact: true }).waitFor();
  check(await offline.getByRole('button', { name: /Restart/ }).count() === 0, 'a snapshot has controls');
  ok('a snapshot shows the same from a file');

  await page.setViewportSize({ width: 360, height: 740 });
  for (const view of ['#/', '#/service/Deployment%2Fapi', '#/logs']) {
    await page.goto(`${url}/${view}`);
    await page.getByRole('main').waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `${view} is ${wide} pixels wider than a screen of 360`);
  }
  await show('narrow');
  ok('all views fit into 360 pixels');
  await page.setViewportSize({ width: 1400, height: 900 });

  await ask('whether anything was built until now');
  const whole = readFileSync(dockerfile, 'utf8');
  check(whole.split(AFTER_PACKAGES).length === 2, `the Dockerfile no longer has one ${AFTER_PACKAGES}`);
  const good = `RUN echo ${Date.now()}`;  // which no cache has
  writeFileSync(dockerfile, whole.split(AFTER_PACKAGES).join(`${good}\nRUN exit 5\n${AFTER_PACKAGES}`));
  await page.goto(`${url}/#/service/Deployment%2Fapi`);
  const steps = page.getByRole('table', { name: 'Steps of the build' });
  await steps.getByRole('row', { name: /RUN exit 5 .*failed: the instruction is new/ }).waitFor();
  await steps.getByRole('row', { name: new RegExp(`${good} .*run: the instruction is new`) }).waitFor();
  const results = await steps.locator('tbody tr').evaluateAll((rows) => rows.map((one) => one.cells[2].innerText));
  check(results.filter((text) => text.startsWith('failed')).length === 1, `not one step failed: ${results.join(', ')}`);
  check(await steps.getByText('COPY api/ /srv/api/').count() === 0, 'a step is shown that was not made');
  check(results.includes('cached'), `nothing came from the cache: ${results.join(', ')}`);
  await page.getByLabel('The error').getByText(/exit code 5/).waitFor();
  ok(`a build that failed shows its ${results.length} steps, and which one failed`);
  await isAccessible('a service whose build failed');
  await show('failed-build');

  check(problems.length === 0, `the page reports: ${problems.join('; ')}`);
  ok('no error on the console');

  await page.goto(`${url}/#/`);
  await cell('ui', 'state').getByText('running').waitFor();
  const told = async () => (await cell('ui', 'change').innerText()).replace(/\b(now|\d+ \w+ ago)\b/g, '');
  const known = await told();
  await page.evaluate(() => { window.isStillTheSame = true; });
  await ask('the end of the watch');
  const ended = page.getByRole('status').getByText(/The watch has ended\b.*\. This page goes on by itself/);
  await ended.waitFor();
  await page.getByRole('button', { name: 'Try now' }).waitFor();
  check(await told() === known, `of ui it knew ${known}, and shows ${await told()}`);
  check(await cell('ui', 'state').innerText() === 'running', `the state of ui is now ${await cell('ui', 'state').innerText()}`);
  await page.getByRole('article').filter({ hasText: 'exit code 5' }).waitFor();
  ok('the page of a watch that has ended says so, and keeps what it knew');
  await isAccessible('the services of a watch that has ended');
  await show('ended');

  writeFileSync(dockerfile, whole);
  await ask('another watch');
  await ended.waitFor({ state: 'detached' });
  for (const name of ['api', 'ui']) await cell(name, 'state').getByText('running').waitFor();
  await until('no problem is left', async () => await page.getByRole('heading', { name: /problem/ }).count() === 0);
  writeFileSync(source, edited('by another watch'));
  await cell('api', 'change').getByText(/synced in/).waitFor();
  check(await page.evaluate(() => window.isStillTheSame), 'the page was loaded anew');
  ok('it goes on by itself with another watch');
  const others = problems.filter((text) => !/^Failed to load resource: net::ERR_/.test(text));
  check(others.length === 0, `the page reports, without a watch or with the next: ${others.join('; ')}`);
} catch (error) {
  if (screenshots) {
    const pages = browser.contexts()[0]?.pages() ?? [];
    if (pages[0]) await pages[0].screenshot({ path: path.join(screenshots, 'failed.png') }).catch(() => undefined);
  }
  throw error;
} finally {
  answers.close();
  await browser.close();
}
