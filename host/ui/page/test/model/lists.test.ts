import { describe, expect, it } from 'vitest';
import { Heights } from '../../src/model/heights';
import { Ring } from '../../src/model/ring';

describe('Ring', () => {
  it('keeps positions as items leave', () => {
    const ring = new Ring<number>(3);
    for (let i = 0; i < 10_000; i += 1) ring.push(i);
    expect([ring.length, ring.first, ring.end]).toEqual([3, 9_997, 10_000]);
    expect([ring.at(9_996), ring.at(9_997), ring.at(9_999), ring.at(10_000)]).toEqual([undefined, 9_997, 9_999, undefined]);
    expect(ring.slice(0, 9_999)).toEqual([9_997, 9_998]);
    expect(ring.slice(10_005, 10_010)).toEqual([]);
  });

  it('lays before the first only what there is room for', () => {
    const ring = new Ring<string>(4);
    ring.push('c');
    ring.push('d');
    expect(ring.unshift(['x', 'a', 'b'])).toBe(2);
    expect([ring.first, ring.end]).toEqual([-2, 2]);
    expect(ring.slice(-2, 2)).toEqual(['a', 'b', 'c', 'd']);
    expect(ring.unshift(['y'])).toBe(0);
    ring.push('e');
    expect([ring.first, ring.at(-1)]).toEqual([-1, 'b']);
  });
});

describe('Heights', () => {
  it('counts unmeasured rows as one line', () => {
    const heights = new Heights(20);
    heights.resize(0, 100_000);
    expect(heights.total).toBe(2_000_000);
    expect(heights.at(1_999_999)).toBe(99_999);
    expect(heights.at(5_000_000)).toBe(99_999);
    expect(heights.offset(7)).toBe(140);
  });

  it('agrees with a plain sum, whatever is measured, leaves, or is laid before', () => {
    const heights = new Heights(20);
    const model = new Map<number, number>();
    let [first, end, seed] = [0, 0, 42];
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let round = 0; round < 300; round += 1) {
      end += random(40);
      first += round % 3 === 0 ? random(Math.max(1, end - first)) : -random(20);
      heights.resize(first, end);
      for (const position of [...model.keys()]) if (position < first) model.delete(position);
      for (let i = 0; i < 8 && end > first; i += 1) {
        const position = first + random(end - first);
        const height = 20 * (1 + random(4));
        const before = model.get(position) ?? 20;
        expect(heights.set(position, height)).toBe(before !== height);
        model.set(position, height);
      }
      const sum = (to: number): number => {
        let pixels = 0;
        for (let position = first; position < to; position += 1) pixels += model.get(position) ?? 20;
        return pixels;
      };
      expect(heights.total).toBe(sum(end));
      if (end > first) {
        const position = first + random(end - first);
        expect(heights.offset(position)).toBe(sum(position));
        expect(heights.at(sum(position))).toBe(position);
        expect(heights.at(sum(position) + (model.get(position) ?? 20) - 1)).toBe(position);
      }
    }
  });

  it('leaves rows alone that are not there', () => {
    const heights = new Heights(20);
    heights.resize(5, 6);
    expect(heights.set(4, 40)).toBe(false);
    expect(heights.set(6, 40)).toBe(false);
    expect(heights.total).toBe(20);
  });
});
