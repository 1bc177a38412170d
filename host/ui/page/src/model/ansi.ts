// Terminal colours in log lines: SGR sequences (ECMA-48, and the 256-colour and RGB forms of xterm) become runs of text with
// a style; every other escape sequence is dropped, and so are control characters that would show as nothing.

export interface Style {
  /** 0 to 15: a colour of the page's own palette. A string: a CSS colour. */
  readonly foreground?: number | string;
  readonly background?: number | string;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly inverse?: boolean;
}

export interface Run {
  readonly text: string;
  readonly style: Style;
}

const PLAIN: Style = {};

// CSI with its parameters and final byte · OSC, DCS, APC, PM, SOS up to ST or BEL · escapes of two characters and more. What is
// cut off is taken as far as it goes.
const ESCAPE = /\x1b(?:\[([0-?]*)[ -/]*([@-~])?|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b)|$)|[ -/]*(?:[0-~]|$))/g;
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;

export function hasEscapes(line: string): boolean {
  return line.includes('\x1b');
}

/** The text alone: what is filtered, copied and downloaded. */
export function plain(line: string): string {
  return clean(hasEscapes(line) ? line.replace(ESCAPE, '') : line);
}

function clean(text: string): string {
  return text.replace(CONTROL, '');
}

/** Runs whose texts together are `plain(line)`. A style does not outlive its line, as lines of many sources are mixed. */
export function runs(line: string): Run[] {
  if (!hasEscapes(line)) return [{ text: clean(line), style: PLAIN }];
  const found: Run[] = [];
  let style = PLAIN;
  let from = 0;
  const add = (text: string): void => {
    if (text === '') return;
    const last = found[found.length - 1];
    if (last?.style === style) found[found.length - 1] = { text: last.text + text, style };
    else found.push({ text, style });
  };
  for (const match of line.matchAll(ESCAPE)) {
    add(clean(line.slice(from, match.index)));
    from = match.index + match[0].length;
    if (match[2] === 'm' && /^[\d;:]*$/.test(match[1] ?? '')) style = applied(style, match[1] ?? '');
  }
  add(clean(line.slice(from)));
  return found;
}

function applied(before: Style, parameters: string): Style {
  // 38:2::R:G:B has an empty colour space; with semicolons there is none.
  const codes = parameters
    .replace(/([34]8):2::?/g, '$1;2;')
    .split(/[;:]/)
    .map((code) => (code === '' ? 0 : Number(code)));
  let style: Style = before;
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes, i + 1);
      i += taken;
      if (colour !== undefined) style = { ...style, [code === 38 ? 'foreground' : 'background']: colour };
    } else {
      style = simple(style, code);
    }
  }
  return style;
}

function simple(style: Style, code: number): Style {
  switch (code) {
    case 0: return PLAIN;
    case 1: return { ...style, bold: true };
    case 2: return { ...style, dim: true };
    case 3: return { ...style, italic: true };
    case 4: return { ...style, underline: true };
    case 7: return { ...style, inverse: true };
    case 22: return without(style, 'bold', 'dim');
    case 23: return without(style, 'italic');
    case 24: return without(style, 'underline');
    case 27: return without(style, 'inverse');
    case 39: return without(style, 'foreground');
    case 49: return without(style, 'background');
    default:
  }
  if (code >= 30 && code <= 37) return { ...style, foreground: code - 30 };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code >= 90 && code <= 97) return { ...style, foreground: code - 82 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 };
  return style;
}

function without(style: Style, ...keys: (keyof Style)[]): Style {
  const left = { ...style };
  for (const key of keys) delete left[key];
  return left;
}

const byte = (value: number | undefined): boolean => value !== undefined && value >= 0 && value <= 255;

/** The colour of 38 or 48, and how many codes it took. */
function extended(codes: readonly number[], at: number): [number | string | undefined, number] {
  if (codes[at] === 5) {
    const index = codes[at + 1];
    return [index !== undefined && byte(index) ? indexed(index) : undefined, 2];
  }
  if (codes[at] === 2) {
    const rgb = codes.slice(at + 1, at + 4);
    return [rgb.length === 3 && rgb.every(byte) ? `rgb(${rgb.join(' ')})` : undefined, 4];
  }
  return [undefined, 1];
}

/** xterm's 256 colours: 16 of the palette, a cube of 6 × 6 × 6, and 24 greys. */
function indexed(index: number): number | string {
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}
