// What is shown of the logs, and what is done with it.

import type { Signal } from '@preact/signals';
import { LEVEL_CHOICES, type LevelChoice } from '../model/level';
import { SOURCES, type LogFilter, type Source } from '../model/log_filter';
import { BUILD_PREFIX } from '../model/log_row';
import { baseName } from '../model/words';
import { Button, IconButton } from '../parts/button';
import { go } from '../state/location';
import { wrapLines } from '../state/preferences';
import { services, snapshot } from '../state/store';

interface Props {
  readonly service: string;
  readonly filter: Signal<LogFilter>;
  /** Why the text is no regular expression. */
  readonly problem: string;
  readonly paused: boolean;
  readonly pods: readonly string[];
  readonly containers: readonly string[];
  readonly loading: boolean;
  readonly olderPossible: boolean;
  readonly onPause: () => void;
  readonly onOlder: () => void;
  readonly onCopy: () => void;
  readonly onDownload: () => void;
}

const LEVEL_WORDS: Readonly<Record<LevelChoice, string>> = {
  all: 'all levels', info: 'info and above', warn: 'warnings and errors', error: 'errors',
};
const SOURCE_WORDS: Readonly<Record<Source, string>> = { all: 'runtime and builds', runtime: 'runtime', build: 'builds' };

export function LogToolbar({ filter, problem, ...rest }: Props) {
  const set = (part: Partial<LogFilter>): void => { filter.value = { ...filter.value, ...part }; };
  const { text, expression, level, source, pod, container } = filter.value;
  return (
    <div class="toolbar log-toolbar" role="search" aria-label="Logs">
      <div class="log-search">
        <input type="search" class="filter" placeholder="Filter lines" aria-label="Filter lines" data-filter value={text}
          spellcheck={false} aria-invalid={problem !== ''} aria-describedby={problem === '' ? undefined : 'filter-problem'}
          onInput={(event) => set({ text: event.currentTarget.value })} />
        <Button pressed={expression} title="Regular expression" onClick={() => set({ expression: !expression })}>
          <span class="mono" aria-hidden="true">.*</span>
          <span class="unseen">Regular expression</span>
        </Button>
      </div>
      <ServiceChoice service={rest.service} />
      <Choice label="Source" value={source} all={SOURCES} words={SOURCE_WORDS} onChoose={(value) => set({ source: value })} />
      <Choice label="Level" value={level} all={LEVEL_CHOICES} words={LEVEL_WORDS} onChoose={(value) => set({ level: value })} />
      <NameChoice label="Pod" all="all pods" value={pod} names={rest.pods} onChoose={(value) => set({ pod: value })} />
      <NameChoice label="Container" all="all containers" value={container} names={rest.containers}
        onChoose={(value) => set({ container: value })} />
      <div class="log-tools">
        {snapshot.value === null ? (
          <>
            <Button icon="older" busy={rest.loading} disabled={!rest.olderPossible || rest.loading} onClick={rest.onOlder}
              title="Ask the server for lines from before those that are here">
              {text === '' ? 'Older lines' : 'Search older lines'}
            </Button>
            <Button icon={rest.paused ? 'play' : 'pause'} pressed={rest.paused} onClick={rest.onPause}>Pause</Button>
          </>
        ) : null}
        <Button icon="wrap" pressed={wrapLines.value === 'on'}
          onClick={() => { wrapLines.value = wrapLines.value === 'on' ? 'off' : 'on'; }}>Wrap</Button>
        <IconButton icon="copy" label="Copy the lines" onClick={rest.onCopy} />
        <IconButton icon="download" label="Download the lines" onClick={rest.onDownload} />
      </div>
      {problem === '' ? null : <p id="filter-problem" class="tone-bad filter-problem" role="alert">{problem}</p>}
    </div>
  );
}

function ServiceChoice({ service }: { service: string }) {
  const all = services.value;
  const builds = [...new Set(all.flatMap((one) => one.images))];
  const known = service === '' || all.some((one) => one.workload === service) || builds.includes(service.slice(BUILD_PREFIX.length));
  return (
    <select aria-label="Service" value={service} onChange={(event) => go({ view: 'logs', service: event.currentTarget.value })}>
      <option value="">all services</option>
      {known ? null : <option value={service}>{baseName(service)}</option>}
      {all.map((one) => <option key={one.workload} value={one.workload}>{one.name}</option>)}
      {builds.map((image) => <option key={image} value={BUILD_PREFIX + image}>{`builds of ${image}`}</option>)}
    </select>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly all: readonly T[];
  readonly words: Readonly<Record<T, string>>;
  readonly onChoose: (value: T) => void;
}

function Choice<T extends string>({ label, value, all, words, onChoose }: ChoiceProps<T>) {
  return (
    <select aria-label={label} value={value}
      onChange={(event) => onChoose(all.find((one) => one === event.currentTarget.value) ?? value)}>
      {all.map((one) => <option key={one} value={one}>{words[one]}</option>)}
    </select>
  );
}

interface NameChoiceProps {
  readonly label: string;
  readonly all: string;
  readonly value: string;
  readonly names: readonly string[];
  readonly onChoose: (value: string) => void;
}

function NameChoice({ label, all, value, names, onChoose }: NameChoiceProps) {
  // A choice of one is none.
  if (names.length < 2 && value === '') return null;
  return (
    <select aria-label={label} class="name-choice" value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
      <option value="">{all}</option>
      {names.map((name) => <option key={name} value={name}>{name}</option>)}
    </select>
  );
}
