// How long changes took, phase by phase: a chart of the syncs and one of the rebuilds, since the two differ a thousandfold.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Change } from '../api/types';
import { counted, span } from '../model/duration';
import { percentile } from '../model/percentile';
import { clock } from '../model/time';
import { timeline, type Bar, type Timeline } from '../model/timeline';
import { backAfterUs, phaseUs, sourcesInWords } from '../model/words';

interface Props {
  readonly changes: readonly Change[];
  readonly selected: number | null;
  readonly onSelect: (id: number) => void;
}

const NAMES = { sync: 'Syncs', rebuild: 'Rebuilds' } as const;

export function Timelines({ changes, ...rest }: Props) {
  return (
    <section class="panel" aria-labelledby="timeline-title">
      <h2 id="timeline-title">Timeline</h2>
      <Chart kind="sync" changes={changes} {...rest} />
      <Chart kind="rebuild" changes={changes} {...rest} />
      {changes.some((change) => change.outcome === 'done' && change.phases.length > 0) ? null : <p class="muted">Save a file, and its way into the pods is drawn here.</p>}
    </section>
  );
}

function Chart({ kind, changes, selected, onSelect }: Props & { kind: 'sync' | 'rebuild' }) {
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const all = useMemo(() => timeline(changes, kind, new Set()), [changes, kind]);
  const shown = useMemo(() => timeline(changes, kind, hidden.value), [changes, kind, hidden.value]);
  if (all.bars.length === 0) return null;
  const toggle = (phase: string): void => {
    const next = new Set(hidden.value);
    if (!next.delete(phase)) next.add(phase);
    // An empty chart tells nothing.
    if (next.size < all.phases.length) hidden.value = next;
  };
  return (
    <figure class="chart" aria-label={NAMES[kind]}>
      <figcaption>
        <strong>{NAMES[kind]}</strong> <span class="muted">{summary(all.bars, kind)}</span>
      </figcaption>
      <Legend phases={all.phases} hidden={hidden.value} onToggle={toggle} />
      <Drawing timeline={shown} selected={selected} onSelect={onSelect} />
      <AsTable timeline={all} name={NAMES[kind]} />
    </figure>
  );
}

/** p50 and p95 in words: until the files are in place, and until the process is back where it restarts. */
function summary(bars: readonly Bar[], kind: 'sync' | 'rebuild'): string {
  const changes = bars.map((bar) => bar.change);
  const of = (values: readonly number[]): string =>
    `p50 ${span(percentile(values, 0.5) ?? 0)}, p95 ${span(percentile(values, 0.95) ?? 0)}`;
  const total = of(changes.map((change) => change.totalUs));
  if (kind === 'rebuild') return `${counted(bars.length, 'change')}: deployed ${total}`;
  const restarted = changes.filter((change) => phaseUs(change, 'restarted') > 0);
  const ready = restarted.filter((change) => phaseUs(change, 'ready') > 0);
  const back = ready.length > 0 ? `; ready again ${of(ready.map(backAfterUs))}`
    : restarted.length > 0 ? `; restarted ${of(restarted.map(backAfterUs))}` : '';
  return `${counted(bars.length, 'change')}: in place ${total}${back}`;
}

interface LegendProps {
  readonly phases: readonly string[];
  readonly hidden: ReadonlySet<string>;
  readonly onToggle: (phase: string) => void;
}

function Legend({ phases, hidden, onToggle }: LegendProps) {
  return (
    <div class="legend" role="group" aria-label="Phases shown">
      {phases.map((phase) => (
        <button key={phase} type="button" class="legend-key" aria-pressed={!hidden.has(phase)} onClick={() => onToggle(phase)}>
          <span class={`swatch phase-${phase}`} aria-hidden="true" />
          {phase}
        </button>
      ))}
    </div>
  );
}

const LEAST_SLOTS = 32;
const HEIGHT = 100;
// Of a slot; the rest keeps bars apart.
const BAR_WIDTH = 0.72;

interface DrawingProps {
  readonly timeline: Timeline;
  readonly selected: number | null;
  readonly onSelect: (id: number) => void;
}

/** The table below tells the same, so that to a screen reader the drawing is nothing. */
function Drawing({ timeline: { bars, topUs, p50, p95 }, selected, onSelect }: DrawingProps) {
  const slots = Math.max(LEAST_SLOTS, bars.length);
  const lines = [{ name: 'p50', us: p50 }, { name: 'p95', us: p95 }]
    .map(({ name, us }) => ({ name, us: us ?? 0, share: (us ?? 0) / topUs }))
    .filter(({ share }) => share <= 1);
  return (
    <div class="drawing" aria-hidden="true">
      <div class="axis">
        <span>{span(topUs)}</span>
        <span>{span(topUs / 2)}</span>
        <span>0</span>
      </div>
      <div class="plot">
        <svg viewBox={`0 0 ${slots} ${HEIGHT}`} preserveAspectRatio="none">
          <line class="grid" x1="0" x2={slots} y1="0" y2="0" />
          <line class="grid" x1="0" x2={slots} y1={HEIGHT / 2} y2={HEIGHT / 2} />
          {bars.map((bar, index) => (
            <g key={bar.change.id} class={bar.change.id === selected ? 'bar selected' : 'bar'} onClick={() => onSelect(bar.change.id)}>
              <title>{barTitle(bar)}</title>
              <rect class="reach" x={index} y="0" width="1" height={HEIGHT} />
              {bar.pieces.map((piece) => (
                <rect key={piece.phase} class={`phase-${piece.phase}`} x={index + (1 - BAR_WIDTH) / 2} width={BAR_WIDTH}
                  y={(1 - piece.to) * HEIGHT} height={(piece.to - piece.from) * HEIGHT} />
              ))}
              {bar.cut ? <rect class="cut" x={index} y="3" width="1" height="2" /> : null}
            </g>
          ))}
          {lines.map(({ name, share }) => (
            <line key={name} class={`mark-${name}`} x1="0" x2={slots} y1={(1 - share) * HEIGHT} y2={(1 - share) * HEIGHT} />
          ))}
        </svg>
        {lines.map(({ name, us, share }) => (
          <span key={name} class={`line-name name-${name}`} style={{ bottom: `${share * 100}%` }}>{name} {span(us)}</span>
        ))}
      </div>
    </div>
  );
}

function barTitle(bar: Bar): string {
  const phases = bar.change.phases.map((phase) => `${phase.name} ${span(phase.us)}`).join('\n');
  return `${sourcesInWords(bar.change)} at ${clock(bar.change.time)}\n${phases}`;
}

function AsTable({ timeline: { bars, phases }, name }: { timeline: Timeline; name: string }) {
  const open = useSignal(false);
  return (
    <details class="as-table" onToggle={(event) => { open.value = event.currentTarget.open; }}>
      <summary>{name} as a table</summary>
      {open.value ? (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${name} as a table`}>
          <table aria-label={`Timeline of ${name.toLowerCase()}`}>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Files</th>
                {phases.map((phase) => <th key={phase} scope="col" class="number">{phase}</th>)}
                <th scope="col" class="number">in all</th>
              </tr>
            </thead>
            <tbody>
              {[...bars].reverse().map(({ change, us }) => (
                <tr key={change.id}>
                  <td class="mono">{clock(change.time)}</td>
                  <th scope="row" class="mono">{sourcesInWords(change)}</th>
                  {phases.map((phase) => <td key={phase} class="number">{span(phaseUs(change, phase))}</td>)}
                  <td class="number">{span(us)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </details>
  );
}
