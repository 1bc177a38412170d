// Which log lines are shown, and what of it the server can be asked for.

import { reaches, type LevelChoice } from './level';
import type { LogRow } from './log_row';

export const SOURCES = ['all', 'runtime', 'build'] as const;
export type Source = (typeof SOURCES)[number];

export interface LogFilter {
  readonly text: string;
  /** `text` is a regular expression. */
  readonly expression: boolean;
  readonly level: LevelChoice;
  readonly source: Source;
  /** Empty: all. */
  readonly pod: string;
  readonly container: string;
}

export const NO_FILTER: LogFilter = { text: '', expression: false, level: 'all', source: 'all', pod: '', container: '' };

export interface CompiledFilter {
  readonly filter: LogFilter;
  /** What the text matches, for the marks in a line; null where no text was given or it is no expression. */
  readonly pattern: RegExp | null;
  /** Why the expression is none; empty where it is one. */
  readonly problem: string;
  readonly passes: (row: LogRow) => boolean;
  /** Whether it leaves anything out. */
  readonly active: boolean;
  /** The same text for the server (RE2); empty where no text was given. */
  readonly grep: string;
}

/** Text is found whatever its case. */
export function compile(filter: LogFilter): CompiledFilter {
  const source = filter.expression ? filter.text : escaped(filter.text);
  let pattern: RegExp | null = null;
  let problem = '';
  if (source !== '') {
    try {
      pattern = new RegExp(source, 'i');
    } catch (error) {
      problem = error instanceof Error ? error.message : 'This is no regular expression';
    }
  }
  const { level, pod, container } = filter;
  const passes = (row: LogRow): boolean => {
    if (pod !== '' && row.pod !== pod) return false;
    if (container !== '' && row.container !== container) return false;
    if (filter.source !== 'all' && row.build !== (filter.source === 'build') && row.service !== '') return false;
    // What is missing might have matched.
    if (row.gap) return true;
    return reaches(row.level, level) && (pattern === null || pattern.test(row.plain));
  };
  const active = pattern !== null || level !== 'all' || filter.source !== 'all' || pod !== '' || container !== '';
  return { filter, pattern, problem, passes, active, grep: pattern === null ? '' : `(?i)${source}` };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
