// Files that the browser saves for its user.

import { ApiError, file } from '../api/client';
import { status } from './store';
import { tell } from './toasts';

export function save(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the blob when the click returns, but may read it later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Where a link cannot carry the token that the server asks for. Never throws: a failure is told. */
export async function saveSnapshot(): Promise<void> {
  const time = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  try {
    save(await file('/snapshot.html'), `${status.peek()?.project || 'synchost'}-${time}.html`);
  } catch (error) {
    const problem = error instanceof ApiError ? error : new ApiError('The snapshot broke off', '', 0);
    tell(problem.message, problem);
  }
}
