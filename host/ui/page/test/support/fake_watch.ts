// A watch for tests of what asks it: fetch answers from its functions, streams say what the test lets them say.

import { vi } from 'vitest';

export interface Stream {
  readonly url: URL;
  readonly headers: Headers;
  say(text: string): void;
  end(): void;
}

type Answer = (url: URL, headers: Headers) => unknown;

export class FakeWatch {
  /** By path: what is sent as JSON. A Response is sent as it is. */
  readonly answers = new Map<string, Answer>();
  /** Streams by path, in the order in which they were opened. */
  readonly streams: Stream[] = [];
  readonly asked: string[] = [];
  /** Nothing answers. */
  gone = false;
  token = 'first';

  private readonly streamed: readonly string[];

  constructor(...streamed: string[]) {
    this.streamed = streamed;
  }

  /** What the page finds of a browser: a document with the token, a parser of the next watch's page, and fetch. */
  install(): void {
    const meta = { querySelector: () => ({ getAttribute: () => this.token }) };
    vi.stubGlobal('document', { ...meta, visibilityState: 'hidden', getElementById: () => null });
    vi.stubGlobal('DOMParser', class {
      parseFromString() {
        return meta;
      }
    });
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => Promise.resolve().then(() => this.answer(path, init)));
  }

  private answer(path: string, init: RequestInit): Response {
    const url = new URL(path, 'http://watch');
    const name = url.pathname.replace('/api/v1', '');
    const headers = new Headers(init.headers);
    this.asked.push(name + url.search);
    if (this.gone) throw new TypeError('fetch failed');
    if (name === '/') return new Response('<!doctype html>');
    const answer = this.answers.get(name)?.(url, headers);
    if (answer instanceof Response) return answer;
    if (!this.streamed.includes(name)) return Response.json(answer ?? {});
    return new Response(this.open(url, headers, init.signal ?? undefined));
  }

  private open(url: URL, headers: Headers, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    return new ReadableStream({
      start: (controller) => {
        signal?.addEventListener('abort', () => controller.error(new DOMException('aborted', 'AbortError')));
        this.streams.push({
          url, headers, say: (text) => controller.enqueue(encoder.encode(text)), end: () => controller.close(),
        });
      },
    });
  }
}
