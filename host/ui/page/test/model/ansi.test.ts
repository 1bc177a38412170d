import { describe, expect, it } from 'vitest';
import { plain, runs } from '../../src/model/ansi';

const ESC = '\x1b';

describe('runs', () => {
  it('is one run of a line without escapes', () => expect(runs('plain')).toEqual([{ text: 'plain', style: {} }]));

  it('takes the sixteen colours', () => {
    expect(runs(`${ESC}[31mred${ESC}[0m ${ESC}[97;44mwhite`)).toEqual([
      { text: 'red', style: { foreground: 1 } },
      { text: ' ', style: {} },
      { text: 'white', style: { foreground: 15, background: 4 } },
    ]);
  });

  it('takes 256 colours: the palette, the cube, the greys', () => {
    const colour = (index: number): unknown => runs(`${ESC}[38;5;${index}mx`)[0]?.style.foreground;
    expect([colour(9), colour(16), colour(208), colour(231), colour(232), colour(255)]).toEqual([
      9, 'rgb(0 0 0)', 'rgb(255 135 0)', 'rgb(255 255 255)', 'rgb(8 8 8)', 'rgb(238 238 238)',
    ]);
  });

  it('takes RGB, with semicolons and with colons', () => {
    for (const sequence of ['38;2;1;2;3', '38:2:1:2:3', '38:2::1:2:3']) {
      expect(runs(`${ESC}[${sequence};1mx`)[0]?.style).toEqual({ foreground: 'rgb(1 2 3)', bold: true });
    }
  });

  it('leaves a colour out of bounds alone', () => {
    expect(runs(`${ESC}[38;5;256mx`)[0]?.style).toEqual({});
    expect(runs(`${ESC}[38;2;1;2mx`)[0]?.style).toEqual({});
    expect(runs(`${ESC}[38mx`)[0]?.style).toEqual({});
  });

  it('turns styles on and off', () => {
    expect(runs(`${ESC}[1;2;3;4;7mx`)[0]?.style).toEqual({ bold: true, dim: true, italic: true, underline: true, inverse: true });
    expect(runs(`${ESC}[1;2;3;4;7m${ESC}[22;23;24;27mx`)[0]?.style).toEqual({});
    expect(runs(`${ESC}[31;42m${ESC}[39;49mx`)[0]?.style).toEqual({});
    expect(runs(`${ESC}[31m${ESC}[mx`)[0]?.style).toEqual({});
  });

  it('drops every other escape', () => {
    const others = [`${ESC}[2K`, `${ESC}[10;20H`, `${ESC}[?25l`, `${ESC}]0;title\x07`, `${ESC}]8;;http://a${ESC}\\`, `${ESC}(B`, `${ESC}=`, `${ESC}P1$r${ESC}\\`];
    for (const other of others) expect(plain(`a${other}b`)).toBe('ab');
    expect(plain(`a${ESC}`)).toBe('a');
    expect(plain(`a${ESC}[31`)).toBe('a');
    expect(plain(`a${ESC}]0;never ended`)).toBe('a');
  });

  it('drops control characters, and keeps tabs', () => expect(plain('a\x07\r\tb')).toBe('a\tb'));

  it('gives runs whose texts are the plain line, also of noise', () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const alphabet = [ESC, '[', ']', 'm', ';', ':', '1', '38', '5', '2', ' ', 'x', '\\', '\x07', '?', 'K'];
    for (let i = 0; i < 3_000; i += 1) {
      const line = Array.from({ length: random(20) }, () => alphabet[random(alphabet.length)]).join('');
      expect(runs(line).map((run) => run.text).join('')).toBe(plain(line));
    }
  });

  it('is not slow on a line made to be', () => {
    const line = `${ESC}[`.repeat(20_000) + `${ESC}]`.repeat(10_000);
    expect(plain(line).length).toBeLessThan(line.length);
  });
});
