// A bounded list that grows at its end and loses its oldest items. Each item keeps its position for as long as it is there,
// whatever comes or goes before it; what is laid in front has positions below the first.

// Dropped items are only stepped over until there are so many: to move the rest each time would cost more than they hold.
const COMPACT_AT = 4096;

export class Ring<T> {
  private items: T[] = [];
  private start = 0;
  private firstPosition = 0;

  constructor(readonly capacity: number) {}

  get length(): number {
    return this.items.length - this.start;
  }

  /** The position of the oldest item. */
  get first(): number {
    return this.firstPosition;
  }

  /** The position that the next item will have. */
  get end(): number {
    return this.firstPosition + this.length;
  }

  at(position: number): T | undefined {
    return position < this.firstPosition ? undefined : this.items[this.start + position - this.firstPosition];
  }

  push(item: T): void {
    this.items.push(item);
    if (this.length > this.capacity) this.drop(1);
  }

  /** Lays items before the first; only the last of them where there is not room for all. Returns how many. */
  unshift(items: readonly T[]): number {
    const taken = Math.min(items.length, this.capacity - this.length);
    if (taken <= 0) return 0;
    this.items = [...items.slice(items.length - taken), ...this.items.slice(this.start)];
    this.start = 0;
    this.firstPosition -= taken;
    return taken;
  }

  slice(from: number, to: number): T[] {
    const begin = Math.max(from, this.firstPosition);
    return this.items.slice(this.start + begin - this.firstPosition, this.start + Math.max(begin, to) - this.firstPosition);
  }

  private drop(count: number): void {
    this.start += count;
    this.firstPosition += count;
    if (this.start < COMPACT_AT) return;
    this.items = this.items.slice(this.start);
    this.start = 0;
  }
}
