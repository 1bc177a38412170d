// Where the page is open to others than its user, the server writes no token into it: the address that `synchost watch`
// prints has it in its fragment. The tab keeps it, and the address shows it no more.

export interface Keeper {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const KEY = 'synchost-token';

/** "" where the fragment holds none. */
export function tokenInFragment(fragment: string): string {
  return /^#token=([0-9a-f]+)$/.exec(fragment)?.[1] ?? '';
}

/** The fragment's, which is kept from now on, or the one that was kept; "" where there is neither. */
export function takeToken(fragment: string, keeper: Keeper): string {
  const token = tokenInFragment(fragment);
  if (token === '') return keeper.getItem(KEY) ?? '';
  keeper.setItem(KEY, token);
  return token;
}
