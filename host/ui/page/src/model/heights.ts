// The heights of a long list's rows, of which only those were measured that were on the screen; all others count as high as
// one line. What is kept is by how much a measured row differs from that, summed in blocks of 256 rows:
//
//     offset(p) = (p - first) * line + the sums of whole blocks below p + what is left in p's block
//
// so that 100,000 rows without wrap cost nothing, and a row measured anew costs one addition.

const BLOCK = 256;

interface Block {
  sum: number;
  readonly extra: Float32Array;
}

export class Heights {
  private blocks = new Map<number, Block>();
  private first = 0;
  private end = 0;

  /** `line`: the height of a row that was not measured, in pixels. */
  constructor(readonly line: number) {}

  get total(): number {
    return this.offset(this.end);
  }

  /** The rows that there are: positions from `first` to before `end`. What left is forgotten. */
  resize(first: number, end: number): void {
    for (const [index, block] of this.blocks) {
      const start = index * BLOCK;
      if (start + BLOCK <= first || start >= end) {
        this.blocks.delete(index);
        continue;
      }
      for (let i = start; i < Math.min(first, start + BLOCK); i += 1) clear(block, i - start);
    }
    this.first = first;
    this.end = end;
  }

  clear(): void {
    this.blocks.clear();
  }

  /** Returns whether that changed anything. */
  set(position: number, height: number): boolean {
    if (position < this.first || position >= this.end) return false;
    const index = Math.floor(position / BLOCK);
    const extra = Math.fround(height - this.line);
    let block = this.blocks.get(index);
    if (block === undefined) {
      if (extra === 0) return false;
      block = { sum: 0, extra: new Float32Array(BLOCK) };
      this.blocks.set(index, block);
    }
    const at = position - index * BLOCK;
    const before = block.extra[at] ?? 0;
    if (before === extra) return false;
    block.extra[at] = extra;
    block.sum += extra - before;
    return true;
  }

  /** Pixels from the top of the first row to that of this one. */
  offset(position: number): number {
    const p = Math.min(this.end, Math.max(this.first, position));
    const own = Math.floor(p / BLOCK);
    let pixels = (p - this.first) * this.line;
    for (const [index, block] of this.blocks) {
      if (index < own) pixels += block.sum;
    }
    const block = this.blocks.get(own);
    if (block !== undefined) {
      for (let i = 0; i < p - own * BLOCK; i += 1) pixels += block.extra[i] ?? 0;
    }
    return pixels;
  }

  /** The row that this many pixels from the top lie in; the last one for what lies below all. */
  at(pixels: number): number {
    let low = this.first;
    let high = Math.max(this.first, this.end - 1);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.offset(middle) <= pixels) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function clear(block: Block, at: number): void {
  block.sum -= block.extra[at] ?? 0;
  block.extra[at] = 0;
}
