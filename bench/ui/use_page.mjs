// Uses the page under load as a person does, and prints as JSON what the browser noticed, by what was done.
//   node use_page.mjs NODE_MODULES CHROMIUM URL SECONDS
import { createRequire } from 'node:module';
import path from 'node:path';

const [modules, executablePath, url, seconds] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, 'x.js'))('playwright-core');
const SPAN_MS = Number(seconds) * 1000;
const ROWS = '[role="row"][data-workload]';

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(30000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.addInitScript(() => {
    window.seen = { tasks: [], frames: [], last: 0 };
    new PerformanceObserver((list) => window.seen.tasks.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: 'longtask', buffered: true });
    const frame = (now) => {
      if (window.seen.last > 0) window.seen.frames.push(now - window.seen.last);
      window.seen.last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });

  const figures = [];
  // What happened from `begin` on, while `use` is done again and again.
  const measure = async (name, use) => {
    await page.evaluate(() => { window.seen.tasks = []; window.seen.frames = []; });
    const end = Date.now() + SPAN_MS;
    while (Date.now() < end) await use(end);
    const { tasks, frames } = await page.evaluate(() => window.seen);
    const sorted = [...frames].sort((a, b) => a - b);
    figures.push({ name, longest_task_ms: Math.max(0, ...tasks), long_tasks: tasks.length,
      frame_p50_ms: sorted[Math.floor(sorted.length / 2)] ?? 0, frame_p99_ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0 });
  };

  await page.goto(url);
  await page.locator(ROWS).first().waitFor();
  await page.waitForTimeout(2000); // the start is a figure of its own
  figures.push(await page.evaluate(() => ({ name: 'the start', longest_task_ms: Math.max(0, ...window.seen.tasks),
    long_tasks: window.seen.tasks.length })));

  await measure('services: read', () => page.waitForTimeout(500));
  await measure('services: scroll', async () => { await page.mouse.move(700, 500); await page.mouse.wheel(0, 900); await page.waitForTimeout(100); });
  const filter = page.getByLabel('Filter services');
  await measure('services: filter', async () => {
    for (const text of ['service-1', 'service-12', '']) { await filter.fill(text); await page.waitForTimeout(200); }
  });
  const rows = await page.locator(ROWS).count();

  await page.goto(`${url}/#/logs`);
  await page.locator('.log-row').first().waitFor();
  await page.waitForTimeout(2000);
  await measure('logs: read', () => page.waitForTimeout(500));
  await measure('logs: scroll', async () => { await page.mouse.move(700, 500); await page.mouse.wheel(0, -1500); await page.waitForTimeout(50); });
  const lines = page.getByLabel('Filter lines');
  await measure('logs: filter', async () => {
    for (const text of ['items/1', '200 in 9', '']) { await lines.fill(text); await page.waitForTimeout(300); }
  });
  const heap = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
  if (problems.length > 0) throw new Error(`the page reports: ${problems.slice(0, 5).join('; ')}`);
  console.log(JSON.stringify({ figures, rows, heap_mb: heap / 1e6 }));
} finally {
  await browser.close();
}
