import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeWatch } from '../support/fake_watch';

const event = (id: number, type: string, data: object) => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

describe('the live connection', () => {
  let watch: FakeWatch;
  let store: typeof import('../../src/state/store');
  let live: typeof import('../../src/state/live');
  let status: { pid: number; version: string; services: object[] };
  const reload = vi.fn();

  beforeEach(async () => {
    watch = new FakeWatch('/events');
    watch.install();
    vi.stubGlobal('location', { reload });
    vi.resetModules();
    status = { pid: 1, version: '1', services: [{ workload: 'Deployment/a', state: 'running' }, { workload: 'Deployment/b', state: 'running' }] };
    watch.answers.set('/status', () => status);
    watch.answers.set('/changes', () => ({ changes: [{ id: 1, outcome: 'pending' }] }));
    watch.answers.set('/builds', () => ({ builds: [{ id: 1, image: 'a' }] }));
    store = await import('../../src/state/store');
    live = await import('../../src/state/live');
    void live.follow();
    await opened(1);
  });
  afterEach(() => {
    // Its loop has no end: it is left in front of a watch that is gone, with nothing to ask.
    watch.gone = true;
    vi.unstubAllGlobals();
    reload.mockReset();
  });

  async function opened(count: number): Promise<void> {
    await vi.waitFor(() => {
      live.reconnectNow();
      expect(watch.streams).toHaveLength(count);
      expect(store.connection.value.state).toBe('open');
    }, { timeout: 4_000 });
  }
  const stream = () => {
    const last = watch.streams.at(-1);
    if (last === undefined) throw new Error('no stream was opened');
    return last;
  };

  it('begins with what there is', () => {
    expect(store.services.value.map((service) => service.workload)).toEqual(['Deployment/a', 'Deployment/b']);
    expect(store.changes.value.get(1)?.outcome).toBe('pending');
    expect(store.builds.value).toHaveLength(1);
    expect(stream().headers.get('last-event-id')).toBeNull();
  });

  it('keeps what the watch ran while that is taken down, until another watch is there', async () => {
    stream().say(event(4, 'activity', { id: 4, kind: 'stopping' }));
    status = { ...status, services: [{ workload: 'Deployment/a', state: 'deploying' }] };
    let asked = 0;
    watch.answers.set('/status', () => { asked += 1; return status; });
    stream().say(event(5, 'status', {}));
    await vi.waitFor(() => expect(asked).toBe(1));
    stream().say(event(6, 'activity', { id: 6, kind: 'synced' }));
    await vi.waitFor(() => expect(store.events.value).toHaveLength(2));
    expect(store.services.value.map((service) => service.state)).toEqual(['running', 'running']);
    status = { ...status, pid: 2 };
    stream().end();
    await opened(2);
    expect(store.services.value.map((service) => service.state)).toEqual(['deploying']);
  });

  it('takes changes, builds and activity from the stream', async () => {
    stream().say(event(4, 'change', { id: 1, outcome: 'done' }) + event(5, 'build', { id: 2, image: 'a' })
      + event(6, 'activity', { id: 6, kind: 'synced' }) + 'event: activity\ndata: {broken\n\n');
    await vi.waitFor(() => expect(store.events.value).toHaveLength(1));
    expect(store.changes.value.get(1)?.outcome).toBe('done');
    expect(store.builds.value.map((build) => build.id)).toEqual([1, 2]);
  });

  it('asks for the state after an event, and keeps what is as before', async () => {
    const [before] = store.services.value;
    status = { ...status, services: [status.services[0] ?? {}, { workload: 'Deployment/b', state: 'crashed' }] };
    stream().say('event: status\ndata: {"version":2}\n\n');
    await vi.waitFor(() => expect(store.services.value[1]?.state).toBe('crashed'));
    expect(store.services.value[0]).toBe(before);
  });

  it('asks again for what a gap in the events has hidden', async () => {
    watch.answers.set('/changes', () => ({ changes: [{ id: 1, outcome: 'done' }] }));
    stream().say(event(9, 'gap', { first: 9 }));
    await vi.waitFor(() => expect(store.changes.value.get(1)?.outcome).toBe('done'));
  });

  it('tells that the watch has gone, and goes on after the last event where it is the same one', async () => {
    stream().say(event(7, 'activity', { id: 7 }));
    await vi.waitFor(() => expect(store.events.value).toHaveLength(1));
    watch.gone = true;
    stream().end();
    await vi.waitFor(() => expect(store.connection.value.state).toBe('lost'));
    expect(store.services.value).toHaveLength(2);
    watch.gone = false;
    await opened(2);
    expect(stream().headers.get('last-event-id')).toBe('7');
    expect([store.era.value, store.events.value.length]).toEqual([0, 1]);
  });

  it('begins anew with another watch and its token', async () => {
    stream().say(event(7, 'activity', { id: 7 }));
    await vi.waitFor(() => expect(store.events.value).toHaveLength(1));
    status = { ...status, pid: 2, services: [] };
    watch.token = 'second';
    watch.answers.set('/changes', () => ({ changes: [] }));
    stream().end();
    await opened(2);
    expect(stream().headers.get('last-event-id')).toBeNull();
    expect(stream().headers.get('authorization')).toBe('Bearer second');
    expect([store.era.value, store.events.value.length, store.changes.value.size, store.services.value.length]).toEqual([1, 0, 0, 0]);
    expect(reload).not.toHaveBeenCalled();
  });

  it('loads the page anew where the next watch is of another version', async () => {
    status = { ...status, pid: 2, version: '2' };
    stream().end();
    await opened(2);
    expect(reload).toHaveBeenCalled();
  });
});
