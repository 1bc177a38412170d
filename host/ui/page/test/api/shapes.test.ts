import { describe, expect, it } from 'vitest';
import * as shapes from '../../src/api/shapes';

describe('the decoders', () => {
  it('make an empty value of anything else', () => {
    for (const value of [null, undefined, 7, 'text', [], { services: 7, pods: [null], images: 'x' }]) {
      const status = shapes.status(value);
      expect(status.services).toEqual([]);
      expect(status.project).toBe('');
    }
    expect(shapes.status({ services: [null] }).services[0]?.state).toBe('waiting');
  });

  it('turn names around and keep null apart from zero', () => {
    const service = shapes.status({
      services: [{
        workload: 'DaemonSet/a', next_step: 'do', depends_on: ['Deployment/b'], trigger: 'manual', last_change: null,
        replicas: { wanted: null, there: 2, current: 1 }, ports: [{ port: 80, local: 8080, state: 'closed', problem: 'taken' }],
      }],
    }).services[0];
    expect(service).toMatchObject({
      nextStep: 'do', dependsOn: ['Deployment/b'], manual: true, lastChange: null, replicas: { wanted: null, there: 2, current: 1 },
      ports: [{ open: false, problem: 'taken' }],
    });
  });

  it('take a state that is not known for one that is', () => {
    expect(shapes.change({ kind: 'teleported', outcome: 'maybe' })).toMatchObject({ kind: 'sync', outcome: 'pending' });
  });

  it('tell a gap from a line', () => {
    expect(shapes.logEntry({ gap: true }).gap).toBe(true);
    expect(shapes.logEntry({ text: 'a', stream: 'stderr' })).toMatchObject({ gap: false, text: 'a', stderr: true });
  });
});
