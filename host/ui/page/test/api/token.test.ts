import { describe, expect, it } from 'vitest';
import { takeToken, tokenInFragment } from '../../src/api/token';

function keeper() {
  const kept = new Map<string, string>();
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
}

describe('takeToken', () => {
  it('takes the token of the address, and keeps it for when the address shows it no more', () => {
    const tab = keeper();
    expect(takeToken('#token=0a1b', tab)).toBe('0a1b');
    expect(takeToken('#/logs', tab)).toBe('0a1b');
  });

  it('takes that of a newer address in place of the one that was kept', () => {
    const tab = keeper();
    takeToken('#token=0a', tab);
    expect(takeToken('#token=1b', tab)).toBe('1b');
    expect(takeToken('', tab)).toBe('1b');
  });

  it('has none where there is none', () => {
    expect(takeToken('', keeper())).toBe('');
    for (const fragment of ['#token=', '#token=XY', '#/token=0a', 'token=0a', '#token=0a&b']) expect(tokenInFragment(fragment)).toBe('');
  });
});
