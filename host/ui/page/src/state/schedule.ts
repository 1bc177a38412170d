// When work is done: at most once a frame, at most so often, and never so long that the page stutters.

const HIDDEN_MS = 250;

/** Runs `work` once at the next frame, however often it is asked for. A hidden page has no frames: a timer takes their place. */
export function perFrame(work: () => void): () => void {
  let asked = false;
  const run = (): void => {
    asked = false;
    work();
  };
  return () => {
    if (asked) return;
    asked = true;
    if (document.visibilityState === 'visible') requestAnimationFrame(run);
    else setTimeout(run, HIDDEN_MS);
  };
}

/**
 * Runs `work` soon after it is asked for, one at a time and with at least `intervalMs` between two beginnings. What is asked
 * for meanwhile becomes one further run, so that the last request is never lost. `work` must not throw.
 */
export function throttled(work: () => Promise<void>, intervalMs: number): () => void {
  let busy = false;
  let again = false;
  let nextAt = 0;
  const run = async (): Promise<void> => {
    again = false;
    nextAt = performance.now() + intervalMs;
    await work();
    busy = false;
    if (again) ask();
  };
  const ask = (): void => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    setTimeout(() => void run(), Math.max(0, nextAt - performance.now()));
  };
  return ask;
}

/** Ends the task that runs: the browser may draw and take input before the next line of the caller. */
export function nextTask(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, 0));
}

const SLICE_MS = 8;

/** Lets the browser draw and take input whenever a loop has used up its slice of time. */
export class Breather {
  private since = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await nextTask();
    this.since = performance.now();
  }
}

export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resume) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resume();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

/** How long to wait before the attempt after `failures` of them. */
export function backOffMs(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1));
}
