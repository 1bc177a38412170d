// A long list is drawn piece by piece, a few rows in each frame and none with what stands around it, so that 300 services cost
// no long task. In the end all are there, for the browser's own search and for a screen reader.

import { useEffect, useState } from 'preact/hooks';

const PIECE = 6;

/** How many of `count` rows to draw by now. */
export function useGrowing(count: number): number {
  const [drawn, setDrawn] = useState(0);
  useEffect(() => {
    // A filter that is taken away brings its rows back piece by piece, too.
    if (drawn > count) setDrawn(count);
    if (drawn >= count) return undefined;
    const frame = requestAnimationFrame(() => setDrawn(drawn + PIECE));
    return () => cancelAnimationFrame(frame);
  }, [drawn, count]);
  return Math.min(drawn, count);
}
