// Structural sharing: a fresh copy of the state keeps every part that has not changed, by identity, so that views compare
// by === and a row whose service is as before is not drawn again.

/** `fresh`, with each part that equals its counterpart in `old` replaced by that one; `old` itself where all is equal. */
export function keep<T>(old: unknown, fresh: T): T {
  if (Object.is(old, fresh)) return fresh;
  if (Array.isArray(old) && Array.isArray(fresh)) {
    let same = old.length === fresh.length;
    const merged = fresh.map((item, index) => {
      const kept: unknown = keep(old[index], item);
      if (kept !== old[index]) same = false;
      return kept;
    });
    return (same ? old : merged) as T;
  }
  if (isRecord(old) && isRecord(fresh)) {
    const keys = Object.keys(fresh);
    let same = keys.length === Object.keys(old).length;
    const merged: Record<string, unknown> = {};
    for (const key of keys) {
      merged[key] = keep(old[key], fresh[key]);
      if (merged[key] !== old[key] || !(key in old)) same = false;
    }
    return (same ? old : merged) as T;
  }
  return fresh;
}

/** As keep, for lists whose items move: items are matched by a key instead of their place. */
export function keepByKey<T>(old: readonly T[], fresh: readonly T[], key: (item: T) => string): readonly T[] {
  const before = new Map(old.map((item) => [key(item), item]));
  const merged = fresh.map((item) => keep(before.get(key(item)), item));
  return merged.length === old.length && merged.every((item, index) => item === old[index]) ? old : merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
