// A long list is drawn piece by piece: the first rows at once, the rest a few in each frame, so that 300 services cost no
// long task. In the end all are there, for the browser's own search and for a screen reader.

import { useEffect, useState } from 'preact/hooks';

const FIRST = 16;
const MORE = 8;

/** How many of `count` rows to draw by now. */
export function useGrowing(count: number): number {
  const [drawn, setDrawn] = useState(FIRST);
  useEffect(() => {
    // A filter that is taken away brings its rows back piece by piece, too.
    if (drawn > Math.max(count, FIRST)) setDrawn(Math.max(count, FIRST));
    if (drawn >= count) return undefined;
    const frame = requestAnimationFrame(() => setDrawn(drawn + MORE));
    return () => cancelAnimationFrame(frame);
  }, [drawn, count]);
  return Math.min(drawn, count);
}
