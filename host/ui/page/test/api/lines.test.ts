import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../src/api/lines';

describe('LineSplitter', () => {
  it('gives the same lines wherever the text is cut', () => {
    const text = 'one\ntwo\n\nthree\n';
    for (let at = 0; at <= text.length; at += 1) {
      const splitter = new LineSplitter();
      expect([...splitter.push(text.slice(0, at)), ...splitter.push(text.slice(at))]).toEqual(['one', 'two', 'three']);
    }
  });

  it('holds back what has no end yet', () => {
    const splitter = new LineSplitter();
    expect(splitter.push('a\nb')).toEqual(['a']);
    expect(splitter.push('c\n')).toEqual(['bc']);
  });

  it('leaves out a line over the limit, and none of its neighbours', () => {
    const splitter = new LineSplitter();
    const part = 'x'.repeat(600 * 1024);
    expect([...splitter.push(`before\n${part}`), ...splitter.push(part), ...splitter.push(part), ...splitter.push('end\nafter\n')])
      .toEqual(['before', 'after']);
  });
});
