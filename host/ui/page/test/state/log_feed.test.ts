import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeWatch } from '../support/fake_watch';

const line = (second: number, text: string) => `${JSON.stringify({
  time: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`, service: 'Deployment/api', pod: 'api-1', container: 'api', text,
})}\n`;

describe('LogFeed', () => {
  let watch: FakeWatch;
  let feed: import('../../src/state/log_feed').LogFeed;

  async function start(...services: string[]): Promise<void> {
    const { LogFeed } = await import('../../src/state/log_feed');
    feed = new LogFeed(services);
    feed.start();
    await vi.waitFor(() => expect(watch.streams).toHaveLength(1));
  }

  const stream = (index: number) => {
    const found = watch.streams[index];
    if (found === undefined) throw new Error(`stream ${index} was not opened`);
    return found;
  };
  const texts = () => feed.rows.slice(feed.rows.first, feed.rows.end).map((row) => (row.gap ? '---' : row.text));
  const shows = (...expected: string[]) => vi.waitFor(() => expect(texts()).toEqual(expected), { timeout: 4_000 });

  beforeEach(() => {
    watch = new FakeWatch('/logs');
    watch.install();
    vi.resetModules();
  });
  afterEach(() => {
    feed.stop();
    vi.unstubAllGlobals();
  });

  it('asks for the last lines and those to come, of its services and their builds', async () => {
    await start('Deployment/api', 'Build/todo-api');
    expect(Object.fromEntries(stream(0).url.searchParams)).toEqual({
      service: 'Deployment/api,Build/todo-api', source: 'all', follow: 'true', tail: '5000',
    });
    expect(stream(0).headers.get('authorization')).toBe('Bearer first');
    stream(0).say(line(1, 'a') + line(2, 'b').slice(0, 20));
    await shows('a');
    stream(0).say(line(2, 'b').slice(20));
    await shows('a', 'b');
  });

  it('goes on where a stream ended, and shows no line twice and none too few', async () => {
    await start();
    stream(0).say(line(1, 'a') + line(2, 'b') + line(2, 'c'));
    stream(0).end();
    await vi.waitFor(() => expect(watch.streams).toHaveLength(2), { timeout: 4_000 });
    expect(stream(1).url.searchParams.get('since')).toBe('2026-01-01T00:00:02Z');
    expect(stream(1).url.searchParams.has('tail')).toBe(false);
    stream(1).say(line(2, 'b') + line(2, 'c') + line(2, 'c') + line(3, 'd'));
    await shows('a', 'b', 'c', 'c', 'd');
    expect(feed.problem.value).toBe('');
  });

  it('does not name builds that the server does not know', async () => {
    watch.answers.set('/logs', (url) => (url.searchParams.get('service')?.includes('Build/') === true
      ? Response.json({ error: 'there is no service Build/todo-api', next_step: '' }, { status: 404 }) : undefined));
    await start('Deployment/api', 'Build/todo-api');
    expect(stream(0).url.searchParams.get('service')).toBe('Deployment/api');
  });

  it('shows gaps, and leaves out what is no JSON', async () => {
    await start();
    stream(0).say(`${line(1, 'a')}{"gap":true}\nnot json\n${line(2, 'b')}`);
    await shows('a', '---', 'b');
  });

  it('asks for older lines with the filter, and knows when there are no more', async () => {
    await start();
    watch.answers.set('/logs', () => new Response(line(1, 'old') + line(2, 'older').replace('older', 'newer')));
    const older = await feed.older({ until: '2026-01-01T00:00:03Z', grep: '(?i)o', pod: 'api-1', container: '', source: 'all' });
    expect(older.rows.map((row) => row.text)).toEqual(['old', 'newer']);
    expect(older.more).toBe(false);
    expect(watch.asked.at(-1)).toBe('/logs?until=2026-01-01T00%3A00%3A03Z&grep=%28%3Fi%29o&pod=api-1&source=all&tail=1000');
  });

  it('says what the server says where it refuses', async () => {
    await start();
    watch.answers.set('/logs', () => Response.json({ error: 'grep: missing )', next_step: 'Close it.' }, { status: 400 }));
    await expect(feed.older({ until: '', grep: '(', pod: '', container: '', source: 'all' }))
      .rejects.toMatchObject({ message: 'grep: missing )', nextStep: 'Close it.', status: 400 });
  });
});
