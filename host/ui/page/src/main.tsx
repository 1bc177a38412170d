// Starts the page: from the snapshot in it, or from the watch that served it.

import { render } from 'preact';
import { takeTokenOfAddress } from './api/client';
import { follow } from './state/live';
import { startRouting } from './state/location';
import { applyTheme } from './state/preferences';
import { nextTask } from './state/schedule';
import { loadSnapshot } from './state/snapshot';
import { startClock } from './state/store';
import { showInTitle } from './state/title';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/overview.css';
import './styles/service.css';
import './styles/logs.css';
import { startKeyboard } from './views/keyboard';
import { Shell } from './views/shell';

takeTokenOfAddress();
applyTheme();
startRouting();
startKeyboard();
const live = !loadSnapshot();
if (live) {
  startClock();
  void follow();
}
// Not in the task that reads the script, which in a cold browser is long enough.
void nextTask().then(() => {
  showInTitle();
  const place = document.getElementById('app');
  if (place !== null) render(<Shell />, place);
});
