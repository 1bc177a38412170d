// A state: a coloured dot and its word, never the colour alone.

import type { ServiceState } from '../api/types';
import { toneOf, type Tone } from '../model/words';

export function StateBadge({ state }: { state: ServiceState }) {
  return (
    <span class={`state tone-${toneOf(state)}`}>
      <Dot tone={toneOf(state)} />
      {state}
    </span>
  );
}

export function Dot({ tone }: { tone: Tone }) {
  return <span class={`dot tone-${tone}`} aria-hidden="true" />;
}
