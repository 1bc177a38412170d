// How long ago something was, which goes on counting by itself: only its text changes each second, no row is drawn again.

import { useComputed } from '@preact/signals';
import { ago } from '../model/duration';
import { moment, parsed } from '../model/time';
import { now } from '../state/store';

export function Ago({ time }: { time: string }) {
  return <Counting key={time} time={time} />;
}

function Counting({ time }: { time: string }) {
  const words = useComputed(() => ago(parsed(time), now.value));
  return <time dateTime={time} title={moment(time)}>{words}</time>;
}
