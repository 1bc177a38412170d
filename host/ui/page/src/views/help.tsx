// The keyboard's shortcuts, in the browser's own dialog: it keeps the focus inside and gives it back.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from '../parts/button';

export const helpOpen = signal(false);

const KEYS: readonly (readonly [keys: string, meaning: string])[] = [
  ['/', 'Filter services or log lines'],
  ['j k', 'Next and previous service'],
  ['Enter', 'Open the service; from the filter, go to the first'],
  ['r', 'Restart it'],
  ['b', 'Rebuild it'],
  ['l', 'Its logs, or all logs'],
  ['?', 'This help'],
  ['Esc', 'Back; in a filter, clear it'],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => { helpOpen.value = false; }}>
      <div class="help-head">
        <h2 id="help-title">Keyboard shortcuts</h2>
        <IconButton icon="close" label="Close" onClick={() => { helpOpen.value = false; }} />
      </div>
      <dl>
        {KEYS.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>{keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
