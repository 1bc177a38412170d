import { describe, expect, it } from 'vitest';
import { build, status } from '../../src/api/shapes';
import { lastLines, problemsOf } from '../../src/model/problems';

const service = (workload: string, more: object = {}) => ({ name: workload.split('/')[1], workload, state: 'running', images: [`i-${workload}`], ...more });
const held = { name: 'api', state: 'held', exit_code: 1, last_output: 'Traceback\nNameError: x\n\n' };

describe('problemsOf', () => {
  it('is empty where all is well', () => {
    expect(problemsOf(status({ services: [service('Deployment/a'), service('Job/b', { state: 'ended' })] }), [])).toEqual([]);
  });

  it('tells of a crash with the end of its output', () => {
    const now = status({
      services: [service('Deployment/a', { state: 'crashed', reason: 'exit code 1', next_step: 'Mend it.' })],
      pods: [{ workload: 'Deployment/a', containers: [held] }],
    });
    expect(problemsOf(now, [])).toMatchObject([
      { grave: true, title: 'a crashed', reason: 'exit code 1', output: 'Traceback\nNameError: x', nextStep: 'Mend it.' },
    ]);
  });

  it('tells of the newest build alone', () => {
    const builds = [{ id: 1, image: 'i-Deployment/a', outcome: 'failed', error: 'RUN ended' }, { id: 2, image: 'i-Deployment/a', outcome: 'built' }];
    const now = status({ services: [service('Deployment/a')] });
    expect(problemsOf(now, builds.map(build))).toEqual([]);
    expect(problemsOf(now, builds.slice(0, 1).map(build))).toMatchObject([{ grave: true, output: 'RUN ended' }]);
  });

  it('puts the grave ones first, and waiting only where something can be done', () => {
    const now = status({
      services: [
        service('Deployment/port', { ports: [{ port: 80, state: 'closed', problem: 'taken' }] }),
        service('Deployment/waits', { state: 'waiting', reason: 'for db' }),
        service('Deployment/stuck', { state: 'waiting', reason: 'for db', next_step: 'Start it.' }),
        service('Deployment/down', { state: 'failed' }),
      ],
    });
    expect(problemsOf(now, []).map((problem) => problem.workload)).toEqual(['Deployment/down', 'Deployment/port', 'Deployment/stuck']);
  });

  it('tells of a container that could not take a change while its service runs', () => {
    const now = status({
      services: [service('Deployment/a')],
      pods: [{ workload: 'Deployment/a', containers: [{ name: 'api', state: 'running', last_error: 'no space', next_step: 'Free some.' }] }],
    });
    expect(problemsOf(now, [])).toMatchObject([{ grave: true, reason: 'no space', nextStep: 'Free some.' }]);
  });
});

describe('lastLines', () => {
  it('are the last ones that hold something', () => expect(lastLines('a\nb\nc\n\n', 2)).toBe('b\nc'));
});
