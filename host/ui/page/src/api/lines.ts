// Lines from pieces of text: the frame of NDJSON.

/** A record holds a line of at most 64 KiB; escaped as JSON it may be six times as long. */
const MOST_CHARACTERS = 1024 * 1024;

export class LineSplitter {
  private rest = '';
  private dropping = false;

  /** Takes the next piece, cut anywhere; returns the lines that it completes. A line over the limit is left out. */
  push(piece: string): string[] {
    const lines = piece.split('\n');
    const last = lines.pop() ?? '';
    if (lines.length > 0) {
      if (this.dropping) lines.shift();
      else lines[0] = this.rest + (lines[0] ?? '');
      this.dropping = false;
      this.rest = last;
    } else if (!this.dropping) {
      this.rest += last;
    }
    if (this.rest.length > MOST_CHARACTERS) {
      this.rest = '';
      this.dropping = true;
    }
    return lines.filter((line) => line.trim() !== '');
  }
}
