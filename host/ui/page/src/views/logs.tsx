// The logs of all services or of one: live, filtered, and searched also where they have scrolled away.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ApiError } from '../api/client';
import { compile, NO_FILTER, type LogFilter } from '../model/log_filter';
import { BUILD_PREFIX, written, type LogRow } from '../model/log_row';
import { counted, thousands } from '../model/duration';
import { baseName } from '../model/words';
import { wrapLines } from '../state/preferences';
import { save } from '../state/save';
import { era, serviceOf, services, snapshot, status } from '../state/store';
import { LogFeed, MOST_LINES } from '../state/log_feed';
import { LogList } from '../state/log_list';
import { tell } from '../state/toasts';
import { LogLines } from './log_lines';
import { LogToolbar } from './log_toolbar';

export function LogsView({ service }: { service: string }) {
  const title = service === '' ? 'Logs' : `Logs of ${titleOf(service)}`;
  // The images tell which builds belong to it: without the state, nothing can be asked for.
  const known = service === '' || service.startsWith(BUILD_PREFIX) || status.value !== null;
  return (
    <>
      <h1 class="unseen">{title}</h1>
      {known ? <Scope key={`${service} ${era.value}`} service={service} title={title} /> : <p class="empty">Waiting for the watch.</p>}
    </>
  );
}

function titleOf(service: string): string {
  return service.startsWith(BUILD_PREFIX) ? `the builds of ${baseName(service)}` : baseName(service);
}

/** The names to ask for: a service comes with the builds of its images. */
function scopeOf(service: string): string[] {
  if (service === '') return [];
  const images = serviceOf(service)?.images ?? [];
  return [service, ...images.map((image) => BUILD_PREFIX + image)];
}

function Scope({ service, title }: { service: string; title: string }) {
  const feed = useMemo(() => new LogFeed(scopeOf(service)), []);
  const list = useMemo(() => new LogList(feed.rows), []);
  const filter = useSignal<LogFilter>(NO_FILTER);
  const compiled = useComputed(() => compile(filter.value));
  const paused = useSignal(false);
  const loading = useSignal(false);
  const exhausted = useSignal(snapshot.value !== null);

  useEffect(() => {
    feed.start();
    return () => feed.stop();
  }, []);
  useSignalEffect(() => {
    void feed.version.value;
    list.take();
  });
  useEffect(() => {
    if (compiled.value === list.filter || compiled.value.problem !== '') return;
    exhausted.value = snapshot.peek() !== null;
    void list.setFilter(compiled.value);
  }, [compiled.value]);

  const loadOlder = async (): Promise<void> => {
    loading.value = true;
    const asked = list.filter;
    try {
      const { pod, container, source } = asked.filter;
      const older = await feed.older({ until: list.searchedFrom, grep: asked.grep, pod, container, source });
      if (asked !== list.filter) return;
      const added = list.prepend(older.rows, older.rows[0]?.time ?? list.searchedFrom);
      exhausted.value = !older.more;
      tell(added === 0 ? 'No older lines were found.' : `${counted(added, 'older line')} laid before the others.`);
    } catch (error) {
      if (feed.stopped.signal.aborted) return;
      const problem = error instanceof ApiError ? error : new ApiError('The older lines did not arrive whole', 'Try again.', 0);
      tell(problem.message, problem);
    } finally {
      loading.value = false;
    }
  };

  return (
    <div class="logs">
      <LogToolbar service={service} filter={filter} problem={compiled.value.problem} paused={paused.value}
        pods={feed.pods.value} containers={feed.containers.value} loading={loading.value}
        olderPossible={!exhausted.value && !list.full}
        onPause={() => {
          paused.value = !paused.value;
          list.setPaused(paused.value);
        }}
        onOlder={() => void loadOlder()}
        onCopy={() => void copy(shownRows(list))}
        onDownload={() => download(shownRows(list), service)} />
      <LogLines list={list} wrap={wrapLines.value === 'on'} mixed={service === ''} label={title} />
      <Footer feed={feed} list={list} paused={paused.value} />
    </div>
  );
}

function shownRows(list: LogList): LogRow[] {
  return list.rows.slice(list.rows.first, list.rows.end);
}

function Footer({ feed, list, paused }: { feed: LogFeed; list: LogList; paused: boolean }) {
  void list.version.value;
  void feed.version.value;
  const shown = list.rows.length;
  const held = feed.rows.length;
  const words = list.filter.active ? `${thousands(shown)} of ${counted(held, 'line')}` : counted(shown, 'line');
  return (
    <p class="log-footer faint">
      <span>{words}{held >= MOST_LINES && snapshot.value === null ? '; older ones are searched on the server' : ''}</span>
      {paused ? <span>Paused, {counted(list.waiting, 'new line')}</span> : null}
      {feed.problem.value === '' ? null : <span class="tone-warn" role="status">{feed.problem.value}</span>}
      {services.value.length > 0 && held === 0 && feed.problem.value === '' ? <span>Nothing was written yet</span> : null}
    </p>
  );
}

function textOf(rows: readonly LogRow[]): string {
  return rows.map((row) => `${written(row)}\n`).join('');
}

async function copy(rows: readonly LogRow[]): Promise<void> {
  try {
    await navigator.clipboard.writeText(textOf(rows));
    tell(`${counted(rows.length, 'line')} copied.`);
  } catch {
    tell('The browser did not let the page copy', { nextStep: 'Download the lines instead.' });
  }
}

function download(rows: readonly LogRow[], service: string): void {
  const name = service === '' ? status.peek()?.project || 'synchost' : baseName(service);
  save(new Blob([textOf(rows)], { type: 'text/plain' }), `${name}.log`);
}
