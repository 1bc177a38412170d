// How grave a log line is, guessed from its text: containers write no level beside it. The guess is made once for each line
// as it arrives, so it looks at the line's beginning alone.

export type Level = 'error' | 'warn' | 'info' | 'debug' | 'none';

const LOOKED_AT = 240;

// In the order in which they win: "ERROR ... retry with debug" is an error. Words in full capitals count anywhere, others
// only as the value of a level field or as a tag, since prose has "error" and "info" too.
const MARKS: readonly (readonly [Level, RegExp])[] = [
  ['error', /\b(?:FATAL|CRITICAL|CRIT|PANIC|ERROR|ERR|SEVERE)\b|^Traceback \(most recent call last\)|^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)\b|^panic: /],
  ['warn', /\b(?:WARNING|WARN)\b/],
  ['info', /\b(?:INFO|NOTICE)\b/],
  ['debug', /\b(?:DEBUG|TRACE)\b/],
];
const FIELD = /(?:"?\b(?:level|lvl|severity)"?\s*[=:]\s*"?|^\W*\[)(fatal|critical|crit|panic|error|err|warning|warn|info|notice|debug|trace)\b/i;

const BY_WORD: Readonly<Record<string, Level>> = {
  fatal: 'error', critical: 'error', crit: 'error', panic: 'error', error: 'error', err: 'error',
  warning: 'warn', warn: 'warn', info: 'info', notice: 'info', debug: 'debug', trace: 'debug',
};

export function levelOf(line: string): Level {
  const start = line.length > LOOKED_AT ? line.slice(0, LOOKED_AT) : line;
  const field = FIELD.exec(start)?.[1];
  if (field !== undefined) return BY_WORD[field.toLowerCase()] ?? 'none';
  for (const [level, mark] of MARKS) {
    if (mark.test(start)) return level;
  }
  return 'none';
}

export const LEVEL_CHOICES = ['all', 'info', 'warn', 'error'] as const;
export type LevelChoice = (typeof LEVEL_CHOICES)[number];

const GRAVITY: Readonly<Record<Level, number>> = { debug: 0, none: 1, info: 1, warn: 2, error: 3 };
const LEAST: Readonly<Record<LevelChoice, number>> = { all: 0, info: 1, warn: 2, error: 3 };

/** Whether a line is at least as grave as what was chosen. A line without a level counts as info. */
export function reaches(level: Level, choice: LevelChoice): boolean {
  return GRAVITY[level] >= LEAST[choice];
}
