// Where in the page one is: the fragment of the URL, since the server knows one path alone and a snapshot none.

export type Route =
  | { readonly view: 'services' }
  | { readonly view: 'service'; readonly workload: string }
  | { readonly view: 'logs'; readonly service: string }
  | { readonly view: 'activity' };

export function parseRoute(fragment: string): Route {
  const [view, name = ''] = fragment.replace(/^#?\/?/, '').split('/', 2);
  const decoded = unescaped(name);
  if (view === 'service' && decoded !== '') return { view, workload: decoded };
  if (view === 'logs') return { view, service: decoded };
  if (view === 'activity') return { view };
  return { view: 'services' };
}

export function writeRoute(route: Route): string {
  switch (route.view) {
    case 'services': return '#/';
    case 'activity': return '#/activity';
    case 'service': return `#/service/${encodeURIComponent(route.workload)}`;
    case 'logs': return route.service === '' ? '#/logs' : `#/logs/${encodeURIComponent(route.service)}`;
  }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
