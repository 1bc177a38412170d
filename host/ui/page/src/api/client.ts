// Requests to the watch. Each carries the token that the server wrote into the page, or that came with its address; an answer
// that is no success becomes an ApiError with the server's own words and next step.

import { record, text } from './decode';
import { takeToken, tokenInFragment } from './token';

const BASE = '/api/v1';
const PATIENCE_MS = 15_000;

export class ApiError extends Error {
  constructor(
    message: string,
    readonly nextStep: string,
    /** The HTTP status; 0 where there was no answer. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** Of the address; "" where the page has one, where it needs none, and in a snapshot. */
let withAddress = '';
let token = tokenIn(document);

/** Before the first request: where the page has no token, its address may have one, or this tab may have kept it. */
export function takeTokenOfAddress(): void {
  if (token !== '') return;
  withAddress = ofTab();
  token = withAddress;
  if (tokenInFragment(location.hash) !== '') history.replaceState(null, '', location.pathname);
  // The address of another watch in the same tab.
  addEventListener('hashchange', () => {
    if (tokenInFragment(location.hash) !== '') location.reload();
  });
}

function ofTab(): string {
  try {
    return takeToken(location.hash, sessionStorage);
  } catch {
    return tokenInFragment(location.hash);  // a browser that lets this page keep nothing
  }
}

function tokenIn(page: Document): string {
  return page.querySelector('meta[name="synchost-token"]')?.getAttribute('content') ?? '';
}

/** Each watch makes its own token: a page that outlives its watch takes the next one's from the page of that one. */
export async function renewToken(): Promise<void> {
  const answer = await fetch('/', { cache: 'no-store' });
  if (answer.ok) token = tokenIn(new DOMParser().parseFromString(await answer.text(), 'text/html')) || withAddress;
}

/** Whether a link, which carries no token, leads to a file of the server's. */
export function linksSuffice(): boolean {
  return withAddress === '';
}

/** The whole of such a file. */
export async function file(path: string): Promise<Blob> {
  return (await send(path, {}, '')).blob();
}

async function send(path: string, init: RequestInit, base = BASE): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== '') headers.set('Authorization', `Bearer ${token}`);
  let answer: Response;
  try {
    answer = await fetch(base + path, { ...init, headers, cache: 'no-store' });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError('The watch does not answer', 'Start it again with: synchost watch', 0);
  }
  if (answer.ok) return answer;
  const body = record(await answer.json().catch(() => null));
  throw new ApiError(text(body.error) || `The watch answers ${answer.status}`, text(body.next_step), answer.status);
}

export async function get<T>(path: string, decode: (value: unknown) => T, signal?: AbortSignal): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const answer = await send(path, { signal: signal ? either(signal, patience) : patience });
  return decode(await answer.json());
}

/** Answers when the watch is done with it, which for a build may be minutes. */
export async function post(path: string): Promise<unknown> {
  return (await send(path, { method: 'POST' })).json();
}

/**
 * The pieces of a stream, as text. Ends when the watch ends it; throws where it breaks. `opened` is called once the watch has
 * answered, which for a quiet stream may be long before its first piece.
 */
export async function* pieces(
  path: string, headers: Record<string, string>, signal: AbortSignal, opened: () => void = () => undefined,
): AsyncGenerator<string> {
  const answer = await send(path, { headers, signal });
  opened();
  if (answer.body === null) return;
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    // Frees the connection where the reader stops first; the stream may have failed already.
    reader.cancel().catch(() => undefined);
  }
}

export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') pairs.set(name, String(value));
  }
  const written = pairs.toString();
  return written === '' ? '' : `?${written}`;
}

// AbortSignal.any is younger than the browsers that this page is for.
function either(first: AbortSignal, second: AbortSignal): AbortSignal {
  const both = new AbortController();
  for (const signal of [first, second]) {
    if (signal.aborted) both.abort(signal.reason);
    else signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}
