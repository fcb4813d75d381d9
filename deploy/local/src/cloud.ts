/** What runs under the supervisor, as data: another service is a row here. */
export interface CloudDefinition {
  readonly services: readonly ServiceDefinition[];
  readonly simulators: readonly SimulatorDefinition[];
  /** Run one after the other when everything is ready. One that fails is reported, and the cloud goes on serving. */
  readonly afterReady: readonly CommandDefinition[];
  /** True for a throwaway cloud: it prints no table of addresses and no curl session, which nobody would use. */
  readonly isThrowaway?: boolean;
}

export interface ServiceDefinition {
  readonly name: string;
  /** Added to CLOUD_PORT_BASE. */
  readonly portOffset: number;
  /** Relative to the project's folder. */
  readonly script: string;
}

export interface SimulatorDefinition extends ServiceDefinition {
  readonly title: string;
  /** The name by which browsers and containers alike reach it: it listens on the published port among the containers, too. */
  readonly publicHost?: string;
}

export interface CommandDefinition {
  readonly title: string;
  readonly script: string;
  readonly args: readonly string[];
}

export const portOffsets = { postgres: 32, kafka: 92, kafkaController: 93 } as const;

/** The points service's name at every partner that the simulator plays. */
export const partnerSiteClientId = 'municipal-points';

export const cloud: CloudDefinition = {
  services: ['identity', 'exchange', 'ledger', 'settlement', 'catalog'].map((name, index) => ({
    name,
    portOffset: index + 1,
    script: `services/${name}/dist/main.js`,
  })),
  simulators: [
    {
      name: 'card-scheme',
      title: 'card scheme of a shopping street (simulator)',
      portOffset: 10,
      script: 'tools/simulators/dist/card-scheme.js',
    },
    {
      name: 'partner-site',
      title: 'partner whose members link their accounts (simulator)',
      portOffset: 11,
      script: 'tools/simulators/dist/partner-site/partner-site.js',
      publicHost: 'partner-site.localhost',
    },
  ],
  afterReady: [
    { title: 'the seven municipalities and the reserve', script: 'tools/replay/dist/load-municipalities.js', args: [] },
    { title: 'the sandbox partner', script: 'tools/replay/dist/load-sandbox.js', args: [] },
    { title: 'the Kawasaki trial', script: 'tools/replay/dist/main.js', args: ['data/kawasaki-trial'] },
  ],
};
