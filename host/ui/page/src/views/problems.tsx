// What is broken, before everything else: the reason, the end of the output, and what to do.

import { problems } from '../state/store';
import { lastLines, type Problem } from '../model/problems';
import { writeRoute } from '../model/route';
import { Icon } from '../parts/icon';

const SHOWN = 5;
// Of its output, among other problems.
const MOST_LINES = 12;

export function Problems() {
  const found = problems.value;
  if (found.length === 0) return null;
  return (
    <section class="problems" aria-labelledby="problems-title">
      <h2 id="problems-title">
        {found.length === 1 ? '1 problem' : `${found.length} problems`}
      </h2>
      {found.slice(0, SHOWN).map((problem) => <ProblemCard key={problem.key} problem={problem} />)}
      {found.length > SHOWN ? <MoreProblems rest={found.slice(SHOWN)} /> : null}
    </section>
  );
}

export function ProblemCard({ problem, onItsPage = false }: { problem: Problem; onItsPage?: boolean }) {
  const { workload } = problem;
  const Title = onItsPage ? 'h2' : 'h3';
  return (
    <article class={problem.grave ? 'problem grave' : 'problem'} aria-label={problem.title}>
      <div class="problem-head">
        <Title>
          <Icon name="alert" />
          {problem.title}
        </Title>
        {workload === null ? null : (
          <p class="problem-links">
            {onItsPage ? null : <a href={writeRoute({ view: 'service', workload })}>Open the service</a>}
            <a href={writeRoute({ view: 'logs', service: workload })}>Read its logs</a>
          </p>
        )}
      </div>
      {problem.reason === '' ? null : <p>{problem.reason}</p>}
      {problem.output === '' ? null : (
        <pre tabIndex={0} aria-label="The last output">{onItsPage ? problem.output : lastLines(problem.output, MOST_LINES)}</pre>
      )}
      {problem.nextStep === '' ? null : <p class="next"><strong>Next:</strong> {problem.nextStep}</p>}
    </article>
  );
}

function MoreProblems({ rest }: { rest: readonly Problem[] }) {
  return (
    <details class="more-problems">
      <summary>{rest.length} more</summary>
      <ul>
        {rest.map((problem) => (
          <li key={problem.key}>
            {problem.workload === null
              ? problem.title
              : <a href={writeRoute({ view: 'service', workload: problem.workload })}>{problem.title}</a>}
            {problem.reason === '' ? null : `: ${problem.reason}`}
          </li>
        ))}
      </ul>
    </details>
  );
}
