// What the manifests and synchost.yaml say of a service.

import type { ComponentChildren } from 'preact';
import type { Service } from '../api/types';
import { writeRoute } from '../model/route';
import { serviceOf } from '../state/store';
import { Links } from './service_row';

export function Facts({ service }: { service: Service }) {
  return (
    <section class="panel" aria-labelledby="facts-title">
      <h2 id="facts-title">About</h2>
      <dl class="facts">
        <Fact name="Workload"><span class="mono">{service.workload}</span></Fact>
        {service.images.length === 0 ? <Fact name="Image">none of this project; nothing is synced into it</Fact> : (
          <Fact name="Images"><span class="mono">{service.images.join(', ')}</span></Fact>
        )}
        <Fact name="Trigger">{service.manual ? 'manual: saves wait for a rebuild' : 'automatic'}</Fact>
        <Fact name="Restarts">{service.restarts}</Fact>
        {service.ports.length + service.links.length === 0 ? null : (
          <Fact name="Links"><span class="links"><Links service={service} /></span></Fact>
        )}
        {service.dependsOn.length === 0 ? null : (
          <Fact name="Depends on">
            <span class="links">
              {service.dependsOn.map((workload) => (serviceOf(workload) === undefined
                ? <span key={workload}>{workload}</span>
                : <a key={workload} href={writeRoute({ view: 'service', workload })}>{workload}</a>))}
            </span>
          </Fact>
        )}
        {service.probes.length === 0 ? null : (
          <Fact name="Probes">
            <ul class="plain">
              {service.probes.map((probe) => (
                <li key={`${probe.container} ${probe.kind}`}>
                  {probe.kind} of {probe.container}: <span class="mono">{probe.text}</span>
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {Object.keys(service.labels).length === 0 ? null : (
          <Fact name="Labels">
            <ul class="plain">
              {Object.entries(service.labels).map(([key, value]) => <li key={key} class="mono">{key}={value}</li>)}
            </ul>
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
