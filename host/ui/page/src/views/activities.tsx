// What has happened, as the watch told it to its terminal; the newest on top.

import { useMemo } from 'preact/hooks';
import { clock } from '../model/time';
import type { Tone } from '../model/words';
import { useGrowing } from '../parts/rows';
import { Dot } from '../parts/state';
import { events } from '../state/store';

const TONES: Readonly<Record<string, Tone>> = { good: 'good', warn: 'warn', bad: 'bad' };

export function Activities() {
  const all = events.value;
  const newestFirst = useMemo(() => [...all].reverse(), [all]);
  const drawn = useGrowing(newestFirst.length);
  return (
    <>
      <h1>Activity</h1>
      {all.length === 0 ? <p class="empty">Nothing has happened yet.</p> : null}
      <ol class="activities" aria-label="Activity">
        {newestFirst.slice(0, drawn).map((event) => (
          <li key={event.id}>
            <time class="faint" dateTime={event.time}>{clock(event.time)}</time>
            <Dot tone={TONES[event.tone] ?? 'idle'} />
            <span>
              <strong>{event.kind}</strong> {event.subject} <span class="muted">{event.text}</span>
              {event.nextStep === '' ? null : <span class="next">Next: {event.nextStep}</span>}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
