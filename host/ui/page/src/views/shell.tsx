// The frame around every view: where one is, how the connection does, and what an action has led to.

import { useEffect, useRef } from 'preact/hooks';
import { linksSuffice } from '../api/client';
import { writeRoute, type Route } from '../model/route';
import { moment } from '../model/time';
import { Button, IconButton } from '../parts/button';
import { Icon, Mark, type IconName } from '../parts/icon';
import { reconnectNow } from '../state/live';
import { route } from '../state/location';
import { THEMES, theme } from '../state/preferences';
import { saveSnapshot } from '../state/save';
import { connection, problems, snapshot, status } from '../state/store';
import { dismiss, toasts } from '../state/toasts';
import { Activities } from './activities';
import { helpOpen, Help } from './help';
import { LogsView } from './logs';
import { Overview } from './overview';
import { ServiceView } from './service';

export function Shell() {
  useFocusOnArrival();
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => {
        // The fragment is the route's: the link moves the focus alone.
        event.preventDefault();
        document.getElementById('content')?.focus();
      }}>Skip to the content</a>
      <Header />
      <Banners />
      <main id="content" tabIndex={-1} class={`view-${route.value.view}`}><View /></main>
      <Toasts />
      <Help />
    </>
  );
}

/** Another view takes the focus, so that a screen reader tells of it; on the way back, the service that one comes from. */
function useFocusOnArrival(): void {
  const at = route.value;
  const before = useRef<Route>(at);
  useEffect(() => {
    const from = before.current;
    before.current = at;
    if (from.view === at.view) return undefined;
    scrollTo(0, 0);
    document.getElementById('content')?.focus({ preventScroll: true });
    return at.view === 'services' && from.view === 'service' ? focusRow(from.workload) : undefined;
  }, [at]);
}

const MOST_FRAMES = 300;

/** Its list is drawn piece by piece: the row is looked for in each frame, until somebody moves the focus. Returns how to stop. */
function focusRow(workload: string): () => void {
  const before = document.activeElement;
  let frames = 0;
  let next = 0;
  const look = (): void => {
    const row = document.querySelector<HTMLElement>(`[data-workload="${CSS.escape(workload)}"] .row-link`);
    if (document.activeElement !== before || frames === MOST_FRAMES) return;
    if (row === null) {
      frames += 1;
      next = requestAnimationFrame(look);
      return;
    }
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'center' });
  };
  look();
  return () => cancelAnimationFrame(next);
}

function View() {
  const at = route.value;
  switch (at.view) {
    case 'services': return <Overview />;
    case 'service': return <ServiceView key={at.workload} workload={at.workload} />;
    case 'logs': return <LogsView service={at.service} />;
    case 'activity': return <Activities />;
  }
}

function Header() {
  return (
    <header class="top">
      <a class="brand" href="#/" aria-label={`synchost, ${status.value?.project ?? 'project'}`}>
        <Mark />
        <span class="project">{status.value?.project || 'synchost'}</span>
      </a>
      <nav aria-label="Views">
        <Tab to={{ view: 'services' }} icon="services" views={['services', 'service']}>
          Services
          {problems.value.length > 0 ? <Count /> : null}
        </Tab>
        <Tab to={{ view: 'logs', service: '' }} icon="logs" views={['logs']}>Logs</Tab>
        <Tab to={{ view: 'activity' }} icon="activity" views={['activity']}>Activity</Tab>
      </nav>
      <div class="tools">
        <Runtime />
        {snapshot.value === null ? (
          <a class="icon-button" href="/snapshot.html" download onClick={linksSuffice() ? undefined : fetchSnapshot} aria-label="Download a snapshot" title="Download a snapshot">
            <Icon name="download" />
          </a>
        ) : null}
        <ThemeSwitch />
        <IconButton icon="help" label="Keyboard shortcuts" onClick={() => { helpOpen.value = true; }} />
      </div>
    </header>
  );
}

function fetchSnapshot(click: Event): void {
  click.preventDefault();
  void saveSnapshot();
}

function Count() {
  const count = problems.value.length;
  return <span class="badge" aria-label={count === 1 ? '1 problem' : `${count} problems`}>{count}</span>;
}

interface TabProps {
  readonly to: Route;
  readonly icon: IconName;
  readonly views: readonly Route['view'][];
  readonly children: preact.ComponentChildren;
}

function Tab({ to, icon, views, children }: TabProps) {
  return (
    <a class="tab" href={writeRoute(to)} aria-current={views.includes(route.value.view) ? 'page' : undefined}>
      <Icon name={icon} />
      <span class="tab-text">{children}</span>
    </a>
  );
}

function Runtime() {
  const runtime = status.value?.runtime ?? '';
  if (snapshot.value !== null || runtime === '') return null;
  return <span class="runtime" title={status.value?.folder}>{runtime}</span>;
}

const THEME_ICONS = { system: 'contrast', light: 'sun', dark: 'moon' } as const;

function ThemeSwitch() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system';
  return (
    <IconButton icon={THEME_ICONS[theme.value]} label={`Colours: ${theme.value}. Change to ${next}`}
      onClick={() => { theme.value = next; }} />
  );
}

function Banners() {
  const taken = snapshot.value;
  if (taken !== null) {
    return (
      <aside aria-label="Snapshot">
        <p class="banner snapshot">
          A snapshot of {moment(taken.time)}, by synchost {taken.version}: what it shows does not change any more.
        </p>
      </aside>
    );
  }
  const link = connection.value;
  return (
    <div role="status" class="banner-place">
      {link.state === 'lost' ? (
        <p class="banner lost">
          <span>{link.reason} This page goes on by itself when it is there again. Until then it shows what it knew last.</span>
          <Button onClick={reconnectNow}>Try now</Button>
        </p>
      ) : null}
    </div>
  );
}

function Toasts() {
  const shown = toasts.value;
  return (
    <div class="toasts">
      <div role="status" aria-label="Done">
        {shown.filter((toast) => !toast.failed).map((toast) => (
          <div key={toast.id} class="toast"><p>{toast.text}</p></div>
        ))}
      </div>
      <div role="alert" aria-label="Failed">
        {shown.filter((toast) => toast.failed).map((toast) => (
          <div key={toast.id} class="toast failed">
            <div>
              <p>{toast.text}</p>
              {toast.nextStep === '' ? null : <p class="next"><strong>Next:</strong> {toast.nextStep}</p>}
            </div>
            <IconButton icon="close" label="Dismiss" onClick={() => dismiss(toast.id)} />
          </div>
        ))}
      </div>
    </div>
  );
}
