import { Registry, collectDefaultMetrics } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
}

/** One registry per service, so that several services can live in one test process. Names begin with `points_`. */
export function metrics(service: string, options: { process: boolean } = { process: true }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  if (options.process) collectDefaultMetrics({ register: registry });
  return { registry };
}
