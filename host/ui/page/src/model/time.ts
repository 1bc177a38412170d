// Points in time as the API writes them, with nanoseconds that Date would drop.

/** Milliseconds since 1970; NaN where the text is no time. */
export function parsed(time: string): number {
  return Date.parse(time);
}

const two = (value: number): string => String(value).padStart(2, '0');

/** The clock here, to the millisecond: 14:03:07.042. Empty where the text is no time. */
export function clock(time: string): string {
  const at = new Date(parsed(time));
  if (Number.isNaN(at.getTime())) return '';
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** The day and the clock here, to the second: 2026-11-27 14:03:07. */
export function moment(time: string): string {
  const at = new Date(parsed(time));
  if (Number.isNaN(at.getTime())) return '';
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/**
 * Which of two times in UTC comes first, to the nanosecond: below, at or above 0, as sort wants it. Whole seconds have one
 * width, so that text order is time order; fractions may differ in length.
 */
export function compareTimes(left: string, right: string): number {
  const [a, b] = [left.replace(/Z$/, ''), right.replace(/Z$/, '')];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
