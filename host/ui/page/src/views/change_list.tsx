// Every change of a service, the newest on top, and for the one that is opened why it went the way it did.

import type { Signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Change } from '../api/types';
import { counted, span, thousands } from '../model/duration';
import { changeTone, decisionInWords, outcomeInWords, sourcesInWords } from '../model/words';
import { Ago } from '../parts/ago';
import { Button } from '../parts/button';
import { Icon } from '../parts/icon';
import { memo } from '../parts/memo';
import { Dot } from '../parts/state';

const FIRST = 12;
const MORE = 50;

export function ChangeList({ changes, open }: { changes: readonly Change[]; open: Signal<number | null> }) {
  const [most, setMost] = useState(FIRST);
  const at = changes.findIndex((change) => change.id === open.value);
  // One that was chosen in the chart may be older than what is shown.
  const wanted = at < 0 ? most : Math.max(most, changes.length - at);
  const shown = changes.slice(-wanted).reverse();
  return (
    <section class="panel" aria-labelledby="changes-title">
      <h2 id="changes-title">Changes</h2>
      {changes.length === 0 ? <p class="muted">Nothing has been saved yet.</p> : null}
      <ol class="changes">
        {shown.map((change) => (
          <ChangeItem key={change.id} change={change} open={change.id === open.value} choice={open} />
        ))}
      </ol>
      {changes.length > shown.length ? (
        <Button onClick={() => setMost(wanted + MORE)}>Show older changes</Button>
      ) : null}
    </section>
  );
}

interface ItemProps {
  readonly change: Change;
  readonly open: boolean;
  readonly choice: Signal<number | null>;
}

const ChangeItem = memo(function ChangeItem({ change, open, choice }: ItemProps) {
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) item.current?.scrollIntoView({ block: 'nearest' });
  }, [open]);
  return (
    <li ref={item}>
      <button type="button" class="change-head" aria-expanded={open}
        onClick={() => { choice.value = open ? null : change.id; }}>
        <Icon name="chevron" />
        <Dot tone={changeTone(change)} />
        <span class="file">{sourcesInWords(change)}</span>
        <span class="change-outcome">{outcomeInWords(change)}</span>
        <span class="faint"><Ago time={change.time} /></span>
      </button>
      {open ? <Decision change={change} /> : null}
    </li>
  );
});

function Decision({ change }: { change: Change }) {
  return (
    <div class="decision">
      <p>{decisionInWords(change)}</p>
      {change.error === '' ? null : <pre class="error" tabIndex={0} aria-label="The error">{change.error}</pre>}
      {change.nextStep === '' ? null : <p class="next"><strong>Next:</strong> {change.nextStep}</p>}
      {change.phases.length === 0 ? null : (
        <ul class="phases" aria-label="Phases">
          {change.phases.map((phase) => (
            <li key={phase.name}>
              <span class={`swatch phase-${phase.name}`} aria-hidden="true" />
              {phase.name} <span class="number muted">{span(phase.us)}</span>
            </li>
          ))}
        </ul>
      )}
      <Names title="Saved" names={change.sources} count={change.sourceCount} />
      {change.files.length === 0 ? null : (
        <Names title={`Generation ${change.generation} in ${counted(change.containers, 'container')}`}
          names={change.files.map((file) => (file.removed ? `${file.path} (removed)` : file.path))} count={change.fileCount} />
      )}
    </div>
  );
}

function Names({ title, names, count }: { title: string; names: readonly string[]; count: number }) {
  if (names.length === 0) return null;
  return (
    <div class="names">
      <h3>{title}</h3>
      <ul>
        {names.map((name) => <li key={name} class="mono">{name}</li>)}
        {count > names.length ? <li class="muted">and {thousands(count - names.length)} more</li> : null}
      </ul>
    </div>
  );
}
