export function LogsView({ service }: { service: string }) {
  return <h1>Logs {service}</h1>;
}
