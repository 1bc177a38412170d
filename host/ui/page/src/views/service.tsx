export function ServiceView({ workload }: { workload: string }) {
  return <h1>{workload}</h1>;
}
