// A log line as the page keeps it: with what filters ask of each line worked out once.

import type { LogEntry } from '../api/types';
import { hasEscapes, plain } from './ansi';
import { levelOf, type Level } from './level';
import { baseName } from './words';

export interface LogRow {
  /** Lines are missing here. */
  readonly gap: boolean;
  readonly time: string;
  readonly service: string;
  readonly pod: string;
  readonly container: string;
  readonly build: boolean;
  readonly stderr: boolean;
  /** As it was written, with its colours. */
  readonly text: string;
  /** Without them: what is searched and copied. */
  readonly plain: string;
  readonly level: Level;
  readonly cut: boolean;
}

export const BUILD_PREFIX = 'Build/';

// 100,000 lines name the same few services, pods and containers: each name is kept once.
const names = new Map<string, string>();
const MOST_NAMES = 10_000;

function one(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (names.size >= MOST_NAMES) names.clear();
  names.set(name, name);
  return name;
}

export function rowOf(entry: LogEntry): LogRow {
  const service = one(entry.service);
  const source = {
    time: entry.time, service, pod: one(entry.pod), container: one(entry.container), build: service.startsWith(BUILD_PREFIX),
  };
  if (entry.gap) return { gap: true, ...source, stderr: false, text: '', plain: '', level: 'none', cut: false };
  const text = hasEscapes(entry.text) ? plain(entry.text) : entry.text;
  return { gap: false, ...source, stderr: entry.stderr, text: entry.text, plain: text, level: levelOf(text), cut: entry.cut };
}

/** Where the reader has been cut off, without a source: between what was there and what is. */
export function gapRow(time: string): LogRow {
  return rowOf({ gap: true, time, service: '', pod: '', container: '' });
}

/** api; build todo-api */
export function serviceInWords(row: LogRow): string {
  const name = baseName(row.service);
  return row.build ? `build ${name}` : name;
}

export function gapInWords(row: LogRow): string {
  const source = [row.service, row.pod, row.container].filter((name) => name !== '').join(' ');
  return source === '' ? 'Lines are missing here' : `Lines of ${source} are missing before this time`;
}

/** One line of a copied or downloaded log. */
export function written(row: LogRow): string {
  if (row.gap) return `${row.time} --- ${gapInWords(row)}`;
  const source = [row.service, row.pod, row.container].filter((name) => name !== '').join(' ');
  return `${row.time} ${source} ${row.plain}`;
}
