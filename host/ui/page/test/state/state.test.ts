import { describe, expect, it, vi } from 'vitest';
import { activity, build, change, logEntry } from '../../src/api/shapes';
import { compile, NO_FILTER } from '../../src/model/log_filter';
import { rowOf, type LogRow } from '../../src/model/log_row';
import { Ring } from '../../src/model/ring';
import { LogList } from '../../src/state/log_list';
import { changesOf, withBuilds, withChanges, withEvents } from '../../src/state/reducers';
import { backOffMs, delay, throttled } from '../../src/state/schedule';

describe('the reducers', () => {
  it('replace a change that comes again, in the order of the ids', () => {
    const first = withChanges(new Map(), [change({ id: 2 }), change({ id: 5, outcome: 'pending' })]);
    const second = withChanges(first, [change({ id: 5, outcome: 'done', services: ['Deployment/a'] }), change({ id: 3 })]);
    expect([...second.keys()]).toEqual([2, 3, 5]);
    expect(second.get(5)?.outcome).toBe('done');
    expect(changesOf(second, 'Deployment/a').map((one) => one.id)).toEqual([5]);
    expect(withChanges(second, [])).toBe(second);
  });

  it('keep the newest 2,000 changes', () => {
    const many = withChanges(new Map(), Array.from({ length: 2_100 }, (_, id) => change({ id })));
    expect([many.size, [...many.keys()][0]]).toEqual([2_000, 100]);
  });

  it('keep ten builds of each image', () => {
    const builds = withBuilds([], Array.from({ length: 30 }, (_, id) => build({ id, image: id % 2 === 0 ? 'a' : 'b' })));
    expect(builds.map((one) => one.id)).toEqual(Array.from({ length: 20 }, (_, i) => i + 10));
    expect(withBuilds(builds, [build({ id: 29, image: 'b', outcome: 'failed' })]).at(-1)?.outcome).toBe('failed');
  });

  it('do not take an event twice, as a stream that begins anew tells it again', () => {
    const once = withEvents([], [activity({ id: 1 }), activity({ id: 2 })]);
    expect(withEvents(once, [activity({ id: 1 }), activity({ id: 2 })])).toBe(once);
    expect(withEvents(once, [activity({ id: 2 }), activity({ id: 3 })]).map((event) => event.id)).toEqual([1, 2, 3]);
  });
});

describe('throttled', () => {
  it('never loses the last request, and runs one at a time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    let [runs, running, most] = [0, 0, 0];
    const ask = throttled(async () => {
      runs += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise((done) => setTimeout(done, 400));
      running -= 1;
    }, 250);
    ask();
    await vi.advanceTimersByTimeAsync(10);
    ask();
    ask();
    await vi.advanceTimersByTimeAsync(2_000);
    expect([runs, most]).toEqual([2, 1]);
    for (let i = 0; i < 100; i += 1) {
      ask();
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(2_000);
    expect(runs).toBeLessThanOrEqual(2 + 5);
    vi.useRealTimers();
  });
});

describe('waiting', () => {
  it('doubles up to a bound', () => expect([1, 2, 3, 20].map(backOffMs)).toEqual([250, 500, 1_000, 5_000]));
  it('ends at once where it is given up', async () => {
    const given = new AbortController();
    const waited = delay(1e9, given.signal);
    given.abort();
    await waited;
    await delay(1e9, given.signal);
  });
});

describe('LogList', () => {
  const line = (text: string, second = 0): LogRow =>
    rowOf(logEntry({ time: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`, service: 'Deployment/a', text }));
  const texts = (list: LogList) => list.rows.slice(list.rows.first, list.rows.end).map((row) => (row.gap ? '---' : row.text));
  const setUp = (capacity = 100) => {
    const feed = new Ring<LogRow>(capacity);
    return { feed, list: new LogList(feed) };
  };
  const errors = compile({ ...NO_FILTER, text: 'error' });

  it('follows the feed', () => {
    const { feed, list } = setUp();
    feed.push(line('a'));
    list.take();
    feed.push(line('b'));
    list.take();
    expect(texts(list)).toEqual(['a', 'b']);
  });

  it('filters what is there and what comes', async () => {
    const { feed, list } = setUp(10_000);
    for (let i = 0; i < 5_000; i += 1) feed.push(line(i % 1000 === 0 ? `error ${i}` : 'x'));
    list.take();
    await list.setFilter(errors);
    feed.push(line('error last'));
    feed.push(line('x'));
    list.take();
    expect(texts(list)).toEqual(['error 0', 'error 1000', 'error 2000', 'error 3000', 'error 4000', 'error last']);
  });

  it('takes the filter that was set last, also where one before it takes longer', async () => {
    const { feed, list } = setUp(10_000);
    for (let i = 0; i < 5_000; i += 1) feed.push(line(i === 0 ? 'error' : 'a'));
    let looked = 0;
    const slow = (row: LogRow): boolean => {
      looked += 1;
      const until = performance.now() + 10;
      while (looked % 1_000 === 1 && performance.now() < until);
      return errors.passes(row);
    };
    await Promise.all([list.setFilter({ ...errors, passes: slow }), list.setFilter(compile({ ...NO_FILTER, text: 'a' }))]);
    expect(list.rows.length).toBe(4_999);
    expect(looked).toBeLessThan(5_000);
  });

  it('stands still while paused, and says how much waits', async () => {
    const { feed, list } = setUp();
    feed.push(line('a'));
    list.take();
    list.setPaused(true);
    feed.push(line('error b'));
    list.take();
    expect([texts(list), list.waiting]).toEqual([['a'], 1]);
    await list.setFilter(errors);
    expect(texts(list)).toEqual([]);
    list.setPaused(false);
    expect(texts(list)).toEqual(['error b']);
  });

  it('shows a gap where lines have left the feed unseen', () => {
    const { feed, list } = setUp(3);
    feed.push(line('a'));
    list.take();
    list.setPaused(true);
    for (const text of ['b', 'c', 'd', 'e']) feed.push(line(text));
    list.setPaused(false);
    expect(texts(list).slice(-2)).toEqual(['d', 'e']);
    expect(list.rows.length).toBe(3);
  });

  it('keeps matches that have left the feed', async () => {
    const { feed, list } = setUp(3);
    await list.setFilter(errors);
    for (const text of ['error', 'b', 'c', 'd', 'e']) {
      feed.push(line(text));
      list.take();
    }
    expect(texts(list)).toEqual(['error']);
  });

  it('lays older lines before the others, and forgets them with the filter', async () => {
    const { feed, list } = setUp();
    feed.push(line('error new', 9));
    await list.setFilter(errors);
    expect(list.searchedFrom).toBe('2026-01-01T00:00:09Z');
    expect(list.prepend([line('error old', 1), line('x', 2)], '2026-01-01T00:00:01Z')).toBe(1);
    expect(texts(list)).toEqual(['error old', 'error new']);
    expect(list.searchedFrom).toBe('2026-01-01T00:00:01Z');
    await list.setFilter(compile(NO_FILTER));
    expect(texts(list)).toEqual(['error new']);
  });
});
