// Buttons: with words, or an icon alone whose words are its label.

import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon';

interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly busy?: boolean;
  readonly disabled?: boolean;
}

export function IconButton({ icon, label, onClick, busy = false, disabled = false }: IconButtonProps) {
  return (
    <button type="button" class={busy ? 'icon-button busy' : 'icon-button'} aria-label={label} title={label}
      aria-busy={busy} disabled={disabled} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

interface ButtonProps {
  readonly icon?: IconName;
  readonly children: ComponentChildren;
  readonly onClick: () => void;
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly title?: string;
  /** For a button that is on or off; absent for one that does something. */
  readonly pressed?: boolean;
}

export function Button({ icon, children, onClick, busy = false, disabled = false, title, pressed }: ButtonProps) {
  return (
    <button type="button" class={busy ? 'button busy' : 'button'} title={title} aria-pressed={pressed} aria-busy={busy}
      disabled={disabled} onClick={onClick}>
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  );
}
