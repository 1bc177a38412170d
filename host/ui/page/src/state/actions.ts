// What the page does to a service, and what it says of it afterwards.

import { signal } from '@preact/signals';
import { ApiError, post } from '../api/client';
import { list, number, record, text } from '../api/decode';
import type { Service } from '../api/types';
import { counted, span } from '../model/duration';
import { tell } from './toasts';

export type Action = 'restart' | 'trigger' | 'pause' | 'resume' | 'stop' | 'start';

/** Actions under way, as "workload action": their buttons say so, and are not pressed twice. */
export const underWay = signal<ReadonlySet<string>>(new Set());

const key = (service: Service, action: Action): string => `${service.workload} ${action}`;

export function isUnderWay(service: Service, action: Action): boolean {
  return underWay.value.has(key(service, action));
}

/** Never throws: a failure is told. */
export async function act(service: Service, action: Action): Promise<void> {
  const name = key(service, action);
  if (underWay.peek().has(name)) return;
  underWay.value = new Set([...underWay.peek(), name]);
  try {
    const answer = await post(`/services/${encodeURIComponent(service.workload)}/${action}`);
    report(service, action, record(answer));
  } catch (error) {
    const problem = error instanceof ApiError ? error : new ApiError('The answer could not be read', '', 0);
    tell(`${service.name}: ${problem.message}`, problem);
  } finally {
    underWay.value = new Set([...underWay.peek()].filter((other) => other !== name));
  }
}

function report(service: Service, action: Action, answer: Readonly<Record<string, unknown>>): void {
  if (action === 'trigger') {
    const images = list(answer.images, (image) => ({ name: text(record(image).name), outcome: text(record(image).outcome) }));
    const said = images.map((image) => `${image.name} ${image.outcome}`).join(', ');
    if (images.some((image) => image.outcome === 'failed')) {
      tell(`${service.name}: ${said}`, { nextStep: 'The service says what failed.' });
    } else {
      tell(`${service.name}: ${said || 'nothing to build'}`);
    }
    return;
  }
  tell(`${service.name}: ${done(action, answer)}`);
}

function done(action: Exclude<Action, 'trigger'>, answer: Readonly<Record<string, unknown>>): string {
  switch (action) {
    case 'restart':
      return `${counted(number(answer.containers), 'container')} restarted in ${span(number(answer.ms) * 1000)}`;
    case 'pause': return 'paused; saves wait until it is resumed';
    case 'resume': return 'resumed; it catches up with what was saved';
    case 'stop': return 'stopped; its pods are taken away';
    case 'start': return 'started';
  }
}
