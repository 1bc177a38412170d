// Uses the todo page as a person does: adds a todo, finds it again after a reload, and prints it as JSON.
//   node page.mjs NODE_MODULES CHROMIUM URL TITLE [SCREENSHOT_PREFIX]
// Exits 1 with the reason where the page does not do its part, or where its scripts report an error.
import { createRequire } from 'node:module';
import path from 'node:path';

const [modules, executablePath, url, title, screenshots] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, 'x.js'))('playwright-core');
const STEP_TIMEOUT_MS = 20000;

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));

  await page.goto(url);
  await page.getByLabel('What is to be done?').fill(title);
  await page.locator('#new-todo').getByLabel('Priority').selectOption('high');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('button', { name: `Delete: ${title}` }).waitFor();

  await page.reload();
  const row = page.getByRole('listitem').filter({ has: page.getByLabel(`Delete: ${title}`) });
  await row.waitFor();
  const shown = {
    title: await row.getByLabel('Title').inputValue(),
    due_date: await row.getByLabel('Due').inputValue(),
    priority: await row.getByLabel('Priority').inputValue(),
  };
  for (const colorScheme of screenshots ? ['light', 'dark'] : []) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${screenshots}-${colorScheme}.png` });
  }
  if (problems.length > 0) throw new Error(`the page reports: ${problems.join('; ')}`);
  console.log(JSON.stringify(shown));
} finally {
  await browser.close();
}
