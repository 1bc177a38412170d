// Links that come from the server: a manifest may name anything, and a click must not run it.

/** The URL where it is http or https and has a host; null otherwise. */
export function webUrl(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
}
