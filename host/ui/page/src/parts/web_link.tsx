// A link out of the page, to an address that the server named: text alone where it is none that a click may follow.

import type { ComponentChildren } from 'preact';
import { webUrl } from '../model/url';
import { Icon } from './icon';

interface Props {
  readonly url: string;
  readonly label?: string;
  readonly children: ComponentChildren;
}

export function WebLink({ url, label, children }: Props) {
  const checked = webUrl(url);
  if (checked === null) return <span class="faint">{children}</span>;
  return (
    <a class="out" href={checked} target="_blank" rel="noreferrer noopener" aria-label={label}>
      {children}
      <Icon name="external" />
    </a>
  );
}
