// One line of the log. Its text, whatever it holds, is text nodes alone; colours are classes, or set by script.

import { runs, type Style } from '../model/ansi';
import { thousands } from '../model/duration';
import { gapInWords, serviceInWords, type LogRow } from '../model/log_row';
import { marked, matches } from '../model/marks';
import { clock, moment } from '../model/time';
import { baseName } from '../model/words';
import { memo } from '../parts/memo';

// A line without wrap is seen to the edge of a screen; to lay out 64 KiB of it would cost more than it tells.
const MOST_UNWRAPPED = 4_000;

interface Props {
  readonly row: LogRow;
  readonly wrap: boolean;
  readonly pattern: RegExp | null;
  /** All services are shown: the line says which is its own. Else it says its pod. */
  readonly mixed: boolean;
}

export const LogLine = memo(function LogLine({ row, wrap, pattern, mixed }: Props) {
  if (row.gap) return <div class="log-row gap"><span>{gapInWords(row)}{row.time === '' ? '' : ` (${clock(row.time)})`}</span></div>;
  const cut = !wrap && row.plain.length > MOST_UNWRAPPED;
  const name = mixed ? serviceInWords(row) : sourceWithin(row);
  return (
    <div class={`log-row level-${row.level}`}>
      <span class="log-time" title={moment(row.time)}>{clock(row.time)}</span>
      <span class={`log-source hue-${hue(mixed ? row.service : row.pod)}`}
        title={[row.service, row.pod, row.container].filter((part) => part !== '').join('\n')}>{name}</span>
      <span class="log-text">
        <Text row={row} pattern={pattern} most={cut ? MOST_UNWRAPPED : Infinity} />
        {cut ? <span class="log-note"> … {thousands(row.plain.length - MOST_UNWRAPPED)} more characters; wrap shows them</span> : null}
        {row.cut ? <span class="log-note"> … cut at 64 KiB</span> : null}
      </span>
    </div>
  );
});

/** Of several pods the end of the name tells them apart. */
function sourceWithin(row: LogRow): string {
  if (row.build) return row.pod || 'build';
  const pod = row.pod.slice(row.pod.lastIndexOf('-') + 1);
  return row.container === '' || row.container === baseName(row.service) ? pod : `${pod} ${row.container}`;
}

const HUES = 8;

function hue(name: string): number {
  let hash = 7;
  for (let i = 0; i < name.length; i += 1) hash = (hash * 31 + name.charCodeAt(i)) % 65_521;
  return hash % HUES;
}

function Text({ row, pattern, most }: { row: LogRow; pattern: RegExp | null; most: number }) {
  const own = shortened(runs(row.text), most);
  const pieces = pattern === null ? own.map((run) => ({ ...run, marked: false })) : marked(own, matches(row.plain, pattern));
  return (
    <>
      {pieces.map(({ text, style, marked: isMarked }, index) => {
        const { names, colours } = looks(style);
        const inner = isMarked ? <mark>{text}</mark> : text;
        return names === '' && colours === undefined ? inner : <span key={index} class={names} style={colours}>{inner}</span>;
      })}
    </>
  );
}

function shortened<T extends { readonly text: string }>(all: readonly T[], most: number): T[] {
  const kept: T[] = [];
  let left = most;
  for (const run of all) {
    if (left <= 0) break;
    kept.push(run.text.length > left ? { ...run, text: run.text.slice(0, left) } : run);
    left -= run.text.length;
  }
  return kept;
}

function looks(style: Style): { names: string; colours: Record<string, string> | undefined } {
  const names: string[] = [];
  const colours: Record<string, string> = {};
  for (const key of ['bold', 'dim', 'italic', 'underline', 'inverse'] as const) {
    if (style[key] === true) names.push(`ansi-${key}`);
  }
  const colour = (value: number | string | undefined, indexed: string, own: string): void => {
    if (typeof value === 'number') names.push(`ansi-${indexed}-${value}`);
    if (typeof value !== 'string') return;
    names.push(`ansi-${own}`);
    colours[`--${own}`] = value;
  };
  colour(style.foreground, 'fg', 'ink');
  colour(style.background, 'bg', 'paper');
  return { names: names.join(' '), colours: Object.keys(colours).length === 0 ? undefined : colours };
}
