import { describe, expect, it } from 'vitest';
import { change, status } from '../../src/api/shapes';
import { keep, keepByKey } from '../../src/model/keep';
import { percentile } from '../../src/model/percentile';
import { parseRoute, writeRoute, type Route } from '../../src/model/route';
import { grouped, labelKeys, found, stateCounts } from '../../src/model/services';
import { roundUp, timeline } from '../../src/model/timeline';
import { webUrl } from '../../src/model/url';

const services = status({
  services: [
    { name: 'api', workload: 'Deployment/api', labels: { team: 'core', app: 'api' }, images: ['todo-api'], state: 'crashed' },
    { name: 'ui', workload: 'Deployment/ui', labels: { team: 'web' }, state: 'running' },
    { name: 'db', workload: 'StatefulSet/db', state: 'running' },
  ],
}).services;

describe('the overview', () => {
  it('filters by every word', () => {
    const names = (filter: string) => found(services, filter).map((service) => service.name);
    expect(names('')).toEqual(['api', 'ui', 'db']);
    expect(names('DEPLOYMENT running')).toEqual(['ui']);
    expect(names('team=core')).toEqual(['api']);
    expect(names('todo-')).toEqual(['api']);
    expect(names('nothing')).toEqual([]);
  });

  it('groups by a label, those without it last', () => {
    expect(labelKeys(services)).toEqual(['app', 'team']);
    expect(grouped(services, 'team').map((group) => [group.name, group.services.length])).toEqual([['core', 1], ['web', 1], ['', 1]]);
    expect(grouped(services, '')).toHaveLength(1);
  });

  it('counts states', () => expect([...stateCounts(services)]).toEqual([['crashed', 1], ['running', 2]]));
});

describe('keep', () => {
  it('gives back what was there where nothing changed', () => {
    const old = { a: [{ b: 1 }, { b: 2 }], c: null };
    expect(keep(old, structuredClone(old))).toBe(old);
  });
  it('keeps the parts that did not change', () => {
    const old = { a: [{ b: 1 }, { b: 2 }], c: { d: 1 } };
    const fresh = keep(old, { a: [{ b: 1 }, { b: 3 }], c: { d: 1 } });
    expect(fresh).toEqual({ a: [{ b: 1 }, { b: 3 }], c: { d: 1 } });
    expect(fresh).not.toBe(old);
    expect(fresh.a[0]).toBe(old.a[0]);
    expect(fresh.c).toBe(old.c);
  });
  it('tells an absent key from an undefined one, and lists of other lengths apart', () => {
    expect(keep({ a: 1, b: undefined }, { a: 1, c: undefined })).toEqual({ a: 1, c: undefined });
    expect(keep([1, 2], [1])).toEqual([1]);
    expect(keep({ a: [] }, { a: {} })).toEqual({ a: {} });
  });
  it('finds items that have moved', () => {
    const old = [{ k: 'a' }, { k: 'b' }];
    const fresh = keepByKey(old, [{ k: 'new' }, { k: 'a' }, { k: 'b' }], (item) => item.k);
    expect([fresh[1], fresh[2]]).toEqual(old);
    expect(fresh[1]).toBe(old[0]);
    expect(keepByKey(old, structuredClone(old), (item) => item.k)).toBe(old);
  });
});

describe('percentile', () => {
  it('is a value that was measured', () => {
    expect([percentile([], 0.5), percentile([7], 0.95), percentile([3, 1, 2], 0.5), percentile([1, 2, 3, 4], 0.95)]).toEqual([undefined, 7, 2, 4]);
  });
});

describe('timeline', () => {
  const sync = (id: number, applied: number, restarted: number) => change({
    id, kind: 'sync', outcome: 'done', phases: [{ name: 'applied', us: applied }, { name: 'restarted', us: restarted }],
  });

  it('stacks the phases of each change that is done', () => {
    const { bars, topUs, phases } = timeline([sync(1, 20, 80), change({ id: 2, kind: 'rebuild', outcome: 'done', phases: [{ name: 'built', us: 9 }] })], 'sync', new Set());
    expect([topUs, phases]).toEqual([100, ['applied', 'restarted']]);
    expect(bars).toMatchObject([{ us: 100, cut: false, pieces: [{ phase: 'applied', from: 0, to: 0.2 }, { phase: 'restarted', from: 0.2, to: 1 }] }]);
  });

  it('leaves out hidden phases everywhere', () => {
    expect(timeline([sync(1, 20, 80)], 'sync', new Set(['restarted']))).toMatchObject({ topUs: 20, p50: 20, bars: [{ us: 20 }] });
  });

  it('cuts one that would flatten the rest', () => {
    const { bars, topUs } = timeline([...Array.from({ length: 20 }, (_, id) => sync(id, 10, 90)), sync(99, 10, 9_990)], 'sync', new Set());
    expect(topUs).toBe(150);
    expect(bars.map((bar) => bar.cut)).toEqual([...Array<boolean>(20).fill(false), true]);
    expect(bars[20]?.pieces[1]?.to).toBe(1);
  });

  it('is empty of nothing', () => expect(timeline([], 'sync', new Set())).toMatchObject({ bars: [], p50: undefined }));
  it('ends its axis at a round number', () => expect([roundUp(1), roundUp(117), roundUp(150), roundUp(900)]).toEqual([1, 150, 150, 1000]));
});

describe('routes', () => {
  it('are read as they are written', () => {
    const routes: Route[] = [
      { view: 'services' }, { view: 'activity' }, { view: 'logs', service: '' }, { view: 'logs', service: 'Build/todo-api' },
      { view: 'service', workload: 'Deployment/a b#%' },
    ];
    for (const route of routes) expect(parseRoute(writeRoute(route))).toEqual(route);
  });
  it('that are none lead to the services', () => {
    for (const fragment of ['', '#', '#/nowhere', '#/service/', '#/service/%']) expect(parseRoute(fragment)).toEqual({ view: 'services' });
  });
});

describe('webUrl', () => {
  it.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '//host', 'host', '', ' java\nscript:x'])(
    'follows no %s', (url) => expect(webUrl(url)).toBeNull());
  it('follows http and https', () => {
    expect(webUrl('http://127.0.0.1:80/a')).toBe('http://127.0.0.1/a');
    expect(webUrl('HTTPS://example.org')).toBe('https://example.org/');
  });
});
