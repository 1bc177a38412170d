// The last builds of a service's images: each step with its time, and why it ran again or came from the cache.

import { useState } from 'preact/hooks';
import type { Build, Step } from '../api/types';
import { bytes, counted, span } from '../model/duration';
import { clock } from '../model/time';
import { buildInWords, stepInWords } from '../model/words';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';

export function Builds({ builds }: { builds: readonly Build[] }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const newest = builds[builds.length - 1];
  if (newest === undefined) return null;
  const shown = builds.find((build) => build.id === chosen) ?? newest;
  return (
    <section class="panel" aria-labelledby="builds-title">
      <div class="panel-head">
        <h2 id="builds-title">Last build</h2>
        {builds.length > 1 ? (
          <select aria-label="Which build" value={shown.id} onChange={(event) => setChosen(Number(event.currentTarget.value))}>
            {[...builds].reverse().map((build) => (
              <option key={build.id} value={build.id}>{`${build.image}, ${clock(build.time).slice(0, 8)}, ${build.outcome}`}</option>
            ))}
          </select>
        ) : null}
      </div>
      <p>
        <span class="mono">{shown.image}</span> {buildInWords(shown)}, <Ago time={shown.time} />
        {shown.bytesSent > 0 ? <span class="muted">; {counted(shown.layers, 'layer')}, {bytes(shown.bytesSent)} sent</span> : null}
      </p>
      {shown.cause === '' ? null : <p class="muted">Because of {shown.cause}</p>}
      <Steps steps={shown.steps} />
      {shown.error === '' ? null : <pre class="error" tabIndex={0} aria-label="The error">{shown.error}</pre>}
      {shown.nextStep === '' ? null : <p class="next"><strong>Next:</strong> {shown.nextStep}</p>}
    </section>
  );
}

function Steps({ steps }: { steps: readonly Step[] }) {
  if (steps.length === 0) return null;
  const longest = Math.max(1, ...steps.map((step) => step.ms));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Steps">
      <table class="steps" aria-label="Steps of the build">
        <thead>
          <tr>
            <th scope="col" class="number">Line</th>
            <th scope="col">Step</th>
            <th scope="col">Result</th>
            <th scope="col" class="number">Time</th>
          </tr>
        </thead>
        <tbody>
          {steps.map((step, index) => (
            // A line may stand for several steps, as an ONBUILD does.
            <tr key={index} class={step.failed ? 'failed' : undefined}>
              <td class="number faint">{step.line}</td>
              <td>
                <code>{step.text}</code>
                {step.stage === '' ? null : <span class="faint"> in {step.stage}</span>}
              </td>
              <td>
                {step.failed ? <Icon name="alert" /> : null}
                <span class={step.cached ? 'muted' : undefined}>{stepInWords(step)}</span>
              </td>
              <td class="number">
                {step.cached ? '' : span(step.ms * 1000)}
                <span class="step-bar" style={{ width: `${(step.ms / longest) * 100}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
