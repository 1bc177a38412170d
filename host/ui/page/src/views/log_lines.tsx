// The list of log lines: only those on the screen are drawn, at their place in a space as high as all of them. Where one reads
// is held by the line at the top (the anchor), not by the pixel, so that lines which leave above, are laid before the first, or
// turn out higher than was thought, do not move what is being read. At the end it follows what arrives.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Heights } from '../model/heights';
import { Button } from '../parts/button';
import type { LogList } from '../state/log_list';
import { LogLine } from './log_row';

// As the style sheet has it.
const LINE_PX = 20;
// Rows beyond both edges, for what a fast wheel reaches before the next frame.
const BEYOND = 12;
// A fraction of a pixel is lost where the browser rounds.
const NEAR_PX = 2;

interface Props {
  readonly list: LogList;
  readonly wrap: boolean;
  readonly mixed: boolean;
  readonly label: string;
}

export function LogLines({ list, wrap, mixed, label }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const heights = useRef(new Heights(LINE_PX)).current;
  const anchor = useRef({ position: 0, inner: 0, top: 0, following: true, era: -1, wrap, width: 0 }).current;
  const [height, setHeight] = useState(0);
  const [, redraw] = useState(0);
  const again = (): void => redraw((times) => times + 1);
  void list.version.value;

  const { first, end } = list.rows;
  if (anchor.era !== list.era || anchor.wrap !== wrap) {
    if (anchor.era !== list.era) anchor.following = true;
    anchor.era = list.era;
    anchor.wrap = wrap;
    heights.clear();
  }
  heights.resize(first, end);
  if (anchor.following) {
    anchor.position = heights.at(Math.max(0, heights.total - height));
    anchor.inner = Math.max(0, heights.total - height) - heights.offset(anchor.position);
  } else if (anchor.position < first) {
    anchor.position = first;
    anchor.inner = 0;
  }
  const top = heights.offset(anchor.position) + anchor.inner;
  const from = Math.max(first, anchor.position - BEYOND);
  const to = Math.min(end, heights.at(top + height) + 1 + BEYOND);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth !== anchor.width) {
        anchor.width = element.clientWidth;
        heights.clear();
        again();
      }
      setHeight(element.clientHeight);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    if (wrap && measure(rows.current, from, heights)) {
      again();
      return;
    }
    if (Math.abs(element.scrollTop - top) > 0.5) element.scrollTop = top;
    anchor.top = element.scrollTop;
  });

  const onScroll = (): void => {
    const element = box.current;
    // What was set here comes back as an event, and moves nothing.
    if (element === null || Math.abs(element.scrollTop - anchor.top) < 1) return;
    anchor.top = element.scrollTop;
    anchor.position = heights.at(anchor.top);
    anchor.inner = anchor.top - heights.offset(anchor.position);
    anchor.following = anchor.top + element.clientHeight >= heights.total - NEAR_PX;
    again();
  };

  const drawn = list.rows.slice(from, to);
  return (
    <div class="log-frame">
      <div ref={box} class={wrap ? 'log-lines wrap' : 'log-lines'} role="region" aria-label={label} tabIndex={0} onScroll={onScroll}
        onCopy={(event) => copySelected(event, rows.current)}>
        <div class="log-space" style={{ height: `${heights.total}px` }}>
          <div ref={rows} class="log-window" style={{ transform: `translateY(${heights.offset(from)}px)` }}>
            {drawn.map((row, index) => (
              <LogLine key={from + index} row={row} wrap={wrap} pattern={list.filter.pattern} mixed={mixed} />
            ))}
          </div>
        </div>
      </div>
      {anchor.following || end === first ? null : (
        <div class="log-newest">
          <Button icon="down" onClick={() => {
            anchor.following = true;
            again();
          }}>Newest lines</Button>
        </div>
      )}
    </div>
  );
}

/** Takes the heights of the rows that are drawn; returns whether one was another than was thought. */
function measure(window: HTMLDivElement | null, from: number, heights: Heights): boolean {
  let changed = false;
  let position = from;
  for (const element of window?.children ?? []) {
    if (heights.set(position, element.getBoundingClientRect().height)) changed = true;
    position += 1;
  }
  return changed;
}

/** A selection over several lines is copied as lines: the browser would put each of their columns on a line of its own. */
function copySelected(event: ClipboardEvent, window: HTMLDivElement | null): void {
  const selection = getSelection();
  if (selection === null || selection.isCollapsed) return;
  const selected = [...(window?.children ?? [])].filter((row) => selection.containsNode(row, true));
  if (selected.length < 2) return;
  const lines = selected.map((row) => [...row.children].map((cell) => cell.textContent).join(' ') || row.textContent);
  event.clipboardData?.setData('text/plain', `${lines.join('\n')}\n`);
  event.preventDefault();
}
