import { describe, expect, it } from 'vitest';
import { change as decode, status } from '../../src/api/shapes';
import { ago, bytes, counted, span, thousands } from '../../src/model/duration';
import { clock, compareTimes } from '../../src/model/time';
import { decisionInWords, generationsInWords, outcomeInWords, replicasInWords, sourcesInWords } from '../../src/model/words';

describe('span', () => {
  it.each([
    [0, '0 ms'], [400, '0.4 ms'], [7_000, '7 ms'], [9_960, '10 ms'], [110_400, '110 ms'], [999_600, '1 s'], [2_400_000, '2.4 s'],
    [59_600_000, '1 min'], [65_000_000, '1 min 5 s'],
  ])('of %d us is %s', (us, words) => expect(span(us)).toBe(words));
});

describe('ago', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  it.each([[0, 'now'], [5, '5 s ago'], [119, '1 min ago'], [7_200, '2 h ago'], [86_400, '1 d ago'], [-3, 'now']])(
    'of %d seconds is %s', (seconds, words) => expect(ago(now - seconds * 1000, now)).toBe(words));
  it('of no time is nothing', () => expect(ago(Number.NaN, now)).toBe(''));
});

describe('sizes and counts', () => {
  it('have units', () => expect([bytes(12), bytes(1536), bytes(4 * 1024 * 1024), bytes(3 * 1024 ** 3)]).toEqual(['12 B', '1.5 KiB', '4 MiB', '3 GiB']));
  it('have a plural', () => expect([counted(1, 'line'), counted(12_000, 'line')]).toEqual(['1 line', '12,000 lines']));
  it('are parted by thousands', () => expect([0, 999, 1_000, 1_234_567].map(thousands)).toEqual(['0', '999', '1,000', '1,234,567']));
});

describe('times', () => {
  it('compare to the nanosecond, with fractions of any length', () => {
    const sorted = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000000001Z', '2026-01-01T00:00:00.1Z', '2026-01-01T00:00:01Z'];
    expect([...sorted].reverse().sort(compareTimes)).toEqual(sorted);
    expect(compareTimes('', sorted[0] ?? '')).toBeLessThan(0);
  });
  it('that are none show as nothing', () => expect(clock('soon')).toBe(''));
});

describe('a change in words', () => {
  const phases = [{ name: 'detected', us: 2_000 }, { name: 'applied', us: 5_000 }, { name: 'restarted', us: 103_000 }];
  it.each([
    [{ kind: 'sync', outcome: 'done', total_us: 7_000, phases }, 'synced in 7 ms, restarted in 110 ms'],
    [{ kind: 'sync', outcome: 'done', total_us: 7_000, phases: [...phases, { name: 'ready', us: 90_000 }] },
      'synced in 7 ms, restarted in 200 ms'],
    [{ kind: 'sync', outcome: 'done', total_us: 7_000 }, 'synced in 7 ms'],
    [{ kind: 'rebuild', outcome: 'done', total_us: 2_400_000 }, 'rebuilt in 2.4 s'],
    [{ kind: 'rebuild', outcome: 'failed' }, 'rebuild failed'],
    [{ kind: 'sync', outcome: 'superseded' }, 'superseded by a newer save'],
    [{ kind: 'held', outcome: 'pending' }, 'held back'],
    [{ kind: 'ignored', outcome: 'done' }, 'ignored'],
    [{ kind: 'sync', outcome: 'pending' }, 'syncing'],
  ])('%j', (change, words) => expect(outcomeInWords(decode(change))).toBe(words));

  it('names its files', () => {
    expect(sourcesInWords(decode({ sources: ['api/app.py'], source_count: 1 }))).toBe('app.py');
    expect(sourcesInWords(decode({ sources: ['api/app.py'], source_count: 120 }))).toBe('app.py and 119 more');
    expect(sourcesInWords(decode({ kind: 'rebuild', image: 'todo-api' }))).toBe('todo-api');
  });

  it('says why', () => {
    expect(decisionInWords(decode({ kind: 'sync', reason: 'COPY at line 3 lays it there', after: 'restart' })))
      .toBe('Synced because COPY at line 3 lays it there; the process is restarted.');
    expect(decisionInWords(decode({ kind: 'ignored' }))).toBe('Ignored.');
  });
});

describe('replicas and generations', () => {
  const service = (replicas: object, more: object = {}) => {
    const decoded = status({ services: [{ replicas, ...more }] }).services[0];
    if (decoded === undefined) throw new Error('one service');
    return decoded;
  };
  it('in words', () => {
    expect(replicasInWords(service({ wanted: 3, there: 3, current: 3 }))).toBe('3 of 3');
    expect(replicasInWords(service({ wanted: 3, there: 3, current: 2 }))).toBe('3 of 3, 2 current');
    expect(replicasInWords(service({ wanted: null, there: 1, current: 1 }))).toBe('1 pod');
    expect(replicasInWords(service({ wanted: 0, there: 0, current: 0 }, { stopped: true }))).toBe('none');
  });
  it('are one where all agree', () => {
    const pod = (...generations: number[]) => ({ workload: 'Deployment/a', containers: generations.map((generation) => ({ generation })) });
    expect(generationsInWords(status({ pods: [pod(12), pod(12)] }).pods).get('Deployment/a')).toBe('generation 12');
    expect(generationsInWords(status({ pods: [pod(11), pod(12, 12)] }).pods).get('Deployment/a')).toBe('2 at 12, 1 at 11');
  });
});
