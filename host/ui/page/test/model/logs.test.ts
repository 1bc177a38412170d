import { describe, expect, it } from 'vitest';
import { logEntry } from '../../src/api/shapes';
import { levelOf, reaches } from '../../src/model/level';
import { compile, NO_FILTER, type LogFilter } from '../../src/model/log_filter';
import { gapInWords, rowOf, written } from '../../src/model/log_row';
import { marked, matches } from '../../src/model/marks';

const row = (text: string, more: object = {}) =>
  rowOf(logEntry({ time: '2026-01-01T00:00:00Z', service: 'Deployment/api', pod: 'api-1', container: 'api', text, ...more }));

describe('levelOf', () => {
  it.each([
    ['ERROR could not send', 'error'], ['Traceback (most recent call last):', 'error'], ["NameError: name 'x'", 'error'],
    ['java.lang.IllegalStateException: no', 'error'], ['panic: runtime error', 'error'], ['2026-01-01 WARN slow', 'warn'],
    ['{"level":"warning","msg":"error budget"}', 'warn'], ['level=info msg="no error"', 'info'], ['[debug] x', 'debug'],
    ['lvl: "fatal"', 'error'], ['GET /errors 200 no error', 'none'], ['I inform you', 'none'], ['', 'none'],
    [`${'x'.repeat(1000)} ERROR`, 'none'],
  ])('of %s is %s', (line, level) => expect(levelOf(line)).toBe(level));

  it('is compared by gravity', () => {
    expect(reaches('none', 'info')).toBe(true);
    expect(reaches('debug', 'info')).toBe(false);
    expect(reaches('error', 'warn')).toBe(true);
    expect(reaches('none', 'error')).toBe(false);
  });
});

describe('compile', () => {
  const passes = (part: Partial<LogFilter>, line = row('GET /a.b 200')) => compile({ ...NO_FILTER, ...part }).passes(line);

  it('finds text as it stands, whatever its case', () => {
    expect(passes({ text: 'get /A.B' })).toBe(true);
    expect(passes({ text: 'a?b' })).toBe(false);
    expect(passes({ text: 'a.b' }, row('axb'))).toBe(false);
  });

  it('finds by expression', () => {
    expect(passes({ text: '^get .* 2\\d\\d$', expression: true })).toBe(true);
    expect(passes({ text: '5\\d\\d', expression: true })).toBe(false);
  });

  it('says what is wrong with an expression, and then leaves nothing out', () => {
    const broken = compile({ ...NO_FILTER, text: '(', expression: true });
    expect(broken.problem).not.toBe('');
    expect(broken.grep).toBe('');
    expect(broken.passes(row('x'))).toBe(true);
  });

  it('asks the server for the same', () => {
    expect(compile({ ...NO_FILTER, text: 'a.b' }).grep).toBe('(?i)a\\.b');
    expect(compile({ ...NO_FILTER, text: 'a.b', expression: true }).grep).toBe('(?i)a.b');
    expect(compile(NO_FILTER).grep).toBe('');
  });

  it('tells sources apart', () => {
    expect(passes({ source: 'build' })).toBe(false);
    expect(passes({ source: 'build' }, row('step', { service: 'Build/todo-api' }))).toBe(true);
    expect(passes({ source: 'runtime' }, row('step', { service: 'Build/todo-api' }))).toBe(false);
    expect(passes({ pod: 'api-2' })).toBe(false);
    expect(passes({ container: 'api', pod: 'api-1' })).toBe(true);
  });

  it('shows gaps whatever the text, unless they are of another source', () => {
    expect(passes({ text: 'nothing', level: 'error' }, row('', { gap: true }))).toBe(true);
    expect(passes({ pod: 'api-2' }, row('', { gap: true }))).toBe(false);
    expect(passes({ source: 'build' }, rowOf(logEntry({ gap: true })))).toBe(true);
  });
});

describe('rows', () => {
  it('are searched and written without their colours', () => {
    expect(row('\x1b[31mERROR\x1b[0m x')).toMatchObject({ plain: 'ERROR x', level: 'error', text: '\x1b[31mERROR\x1b[0m x' });
    expect(written(row('\x1b[31mE\x1b[0m'))).toBe('2026-01-01T00:00:00Z Deployment/api api-1 api E');
  });
  it('say where lines are missing', () => {
    expect(gapInWords(rowOf(logEntry({ gap: true })))).toBe('Lines are missing here');
    expect(gapInWords(row('', { gap: true }))).toBe('Lines of Deployment/api api-1 api are missing before this time');
  });
});

describe('marked', () => {
  const bold = { bold: true };
  it('cuts runs where matches begin and end', () => {
    expect(marked([{ text: 'ab', style: {} }, { text: 'cdef', style: bold }], [[1, 3], [5, 6]])).toEqual([
      { text: 'a', style: {}, marked: false }, { text: 'b', style: {}, marked: true }, { text: 'c', style: bold, marked: true },
      { text: 'de', style: bold, marked: false }, { text: 'f', style: bold, marked: true },
    ]);
  });
  it('leaves runs whole without matches', () => expect(marked([{ text: 'ab', style: bold }], [])).toEqual([{ text: 'ab', style: bold, marked: false }]));
  it('finds all matches but empty ones, and ends', () => {
    expect(matches('aXbx', /x/i)).toEqual([[1, 2], [3, 4]]);
    expect(matches('aaa', /b*/)).toEqual([]);
    expect(matches('x'.repeat(1000), /x/)).toHaveLength(200);
  });
});
