// What can be done to a service: in a row as icons, on its own page with words. A snapshot has none of it.

import type { Service } from '../api/types';
import { act, isUnderWay, type Action } from '../state/actions';
import { connection, snapshot } from '../state/store';
import { Button, IconButton } from './button';
import type { IconName } from './icon';

interface Control {
  readonly action: Action;
  readonly icon: IconName;
  readonly word: string;
  readonly explained: string;
}

function controlsOf(service: Service): Control[] {
  const restart: Control = { action: 'restart', icon: 'restart', word: 'Restart', explained: 'Restart its processes (r)' };
  const rebuild: Control = { action: 'trigger', icon: 'rebuild', word: 'Rebuild', explained: 'Build its images anew (b)' };
  const pause: Control = service.paused
    ? { action: 'resume', icon: 'play', word: 'Resume', explained: 'Sync what was saved meanwhile' }
    : { action: 'pause', icon: 'pause', word: 'Pause', explained: 'Let saves wait' };
  const stop: Control = service.stopped
    ? { action: 'start', icon: 'play', word: 'Start', explained: 'Bring its pods back' }
    : { action: 'stop', icon: 'stop', word: 'Stop', explained: 'Take its pods away' };
  // Into a workload without an image of ours nothing is built or synced.
  const ours = service.images.length > 0;
  if (service.stopped) return [stop];
  return ours ? [rebuild, restart, pause, stop] : [stop];
}

export function RowControls({ service }: { service: Service }) {
  if (snapshot.value !== null) return null;
  const offline = connection.value.state !== 'open';
  return (
    <>
      {controlsOf(service).map(({ action, icon, word }) => (
        <IconButton key={action} icon={icon} label={`${word} ${service.name}`} busy={isUnderWay(service, action)}
          disabled={offline} onClick={() => void act(service, action)} />
      ))}
    </>
  );
}

export function PageControls({ service }: { service: Service }) {
  if (snapshot.value !== null) return null;
  const offline = connection.value.state !== 'open';
  return (
    <div class="controls" role="group" aria-label="Controls">
      {controlsOf(service).map(({ action, icon, word, explained }) => (
        <Button key={action} icon={icon} title={explained} busy={isUnderWay(service, action)} disabled={offline}
          onClick={() => void act(service, action)}>
          {word}
        </Button>
      ))}
    </div>
  );
}
