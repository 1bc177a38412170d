// Spans and sizes in words, short enough for a cell of a table.

/** 0.7 ms, 7 ms, 110 ms, 2.4 s, 1 min 5 s */
export function span(us: number): string {
  const ms = us / 1000;
  if (ms < 9.95) return `${trimmed(ms, 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${trimmed(seconds, 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

const STEPS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** How long ago, in its largest unit: now, 5 s ago, 3 min ago, 2 d ago. */
export function ago(thenMs: number, nowMs: number): string {
  if (!Number.isFinite(thenMs)) return '';
  const seconds = Math.floor((nowMs - thenMs) / 1000);
  for (const [length, unit] of STEPS) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  }
  return 'now';
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  let value = count / 1024;
  for (const unit of ['KiB', 'MiB']) {
    if (value < 1024) return `${trimmed(value, value < 10 ? 1 : 0)} ${unit}`;
    value /= 1024;
  }
  return `${trimmed(value, 1)} GiB`;
}

/** 7, 999, 12,000, for whole numbers. (A browser's Intl does this too, and takes tens of milliseconds for its first call.) */
export function thousands(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** 1 line, 2 lines, 12,000 lines */
export function counted(count: number, noun: string): string {
  return `${thousands(count)} ${noun}${count === 1 ? '' : 's'}`;
}
