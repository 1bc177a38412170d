// Server-Sent Events from pieces of text, after the WHATWG HTML standard, section "Server-sent events". The browser's own
// EventSource cannot send the token's header, so the page reads the stream by fetch and takes it apart here.

export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/** An event that never ends must not eat the tab's memory: what goes beyond is dropped with its event. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

export class EventParser {
  /** Of the last complete event that had one: what a reconnection goes on from. */
  lastId = '';

  private rest = '';
  private afterCarriageReturn = false;
  private type = '';
  private data: string[] = [];
  private characters = 0;
  private started = false;
  private pendingId: string | null = null;

  /** Takes the next piece, cut anywhere; returns the events that it completes. */
  push(piece: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    let text = this.rest + piece;
    if (!this.started && text.length > 0) {
      this.started = true;
      if (text.startsWith('\ufeff')) text = text.slice(1);
    }
    let from = 0;
    // A line ends with CR, LF or CR LF; the LF of a pair may come with the next piece.
    if (this.afterCarriageReturn && text.length > 0) {
      if (text[0] === '\n') from = 1;
      this.afterCarriageReturn = false;
    }
    for (;;) {
      const end = lineEnd(text, from);
      if (end < 0) break;
      const event = this.line(text.slice(from, end));
      if (event !== null) events.push(event);
      from = end + 1;
      if (text[end] === '\r') {
        if (from === text.length) this.afterCarriageReturn = true;
        else if (text[from] === '\n') from += 1;
      }
    }
    this.rest = text.slice(from);
    if (this.rest.length > MOST_CHARACTERS) this.rest = '';
    return events;
  }

  private line(line: string): ServerEvent | null {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') this.type = value;
    else if (field === 'id' && !value.includes('\0')) this.pendingId = value;
    else if (field === 'data') {
      this.characters += value.length;
      if (this.characters <= MOST_CHARACTERS) this.data.push(value);
    }
    return null;
  }

  private dispatch(): ServerEvent | null {
    const { type, data, characters } = this;
    if (this.pendingId !== null) this.lastId = this.pendingId;
    this.pendingId = null;
    this.type = '';
    this.data = [];
    this.characters = 0;
    if (data.length === 0 || characters > MOST_CHARACTERS) return null;
    return { type: type || 'message', data: data.join('\n') };
  }
}

function lineEnd(text: string, from: number): number {
  const feed = text.indexOf('\n', from);
  const carriage = text.indexOf('\r', from);
  if (feed < 0) return carriage;
  return carriage < 0 ? feed : Math.min(feed, carriage);
}
