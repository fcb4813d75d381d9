import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaProperties } from '@points/infrastructure';
import { cloud } from './cloud.js';
import { composeEnvironment, secretFiles } from './compose-environment.js';

const compose = readFileSync(join(import.meta.dirname, '../../../docker-compose.yml'), 'utf8');

describe('composeEnvironment', () => {
  it('says what is true now and keeps what an operator added', () => {
    const before = 'POINTS_SECRETS=/old\nBASE_IMAGE=debian:bookworm-slim\n';

    expect(composeEnvironment(before, { POINTS_SECRETS: '/new', LEDGER_PORT: '7103' })).toBe(
      'POINTS_SECRETS=/new\nLEDGER_PORT=7103\nBASE_IMAGE=debian:bookworm-slim\n',
    );
  });

  it('proposes what an operator may say otherwise', () => {
    expect(composeEnvironment('', {}, { OUTSIDE_ALLOW_PRIVATE: 'true' })).toBe('OUTSIDE_ALLOW_PRIVATE=true\n');
    expect(composeEnvironment('OUTSIDE_ALLOW_PRIVATE=false\n', {}, { OUTSIDE_ALLOW_PRIVATE: 'true' })).toBe(
      'OUTSIDE_ALLOW_PRIVATE=false\n',
    );
  });
});

describe('docker-compose.yml', () => {
  it('mounts exactly the secrets that are made', () => {
    const mounted = [...compose.matchAll(/^ {2}[a-z-]+: \{ file: '\$\{POINTS_SECRETS[^}]*\}\/([^']+)' \}$/gm)].map(([, file]) => file);

    expect(mounted.toSorted()).toEqual(secretFiles(cloud.services.map(({ name }) => name)).toSorted());
  });

  it('runs every service and simulator of the cloud, published on the loopback address only', () => {
    const published = [...compose.matchAll(/^ {4}ports: \['127\.0\.0\.1:\$\{[A-Z_]+:-(\d+)\}:(?:\$\{[A-Z_]+:-)?(\d+)\}?'\]$/gm)].map(
      ([, outside, inside]) => [outside, inside],
    );
    const expected = [...cloud.services, ...cloud.simulators].map(({ portOffset }) => String(7_100 + portOffset));

    expect(published).toEqual(expected.map((port) => [port, port]));
    expect(compose.match(/^ {4}ports:/gm)).toHaveLength(expected.length);
  });

  it('gives the broker the settings that the cloud on one machine has', () => {
    const settings = Object.fromEntries(
      [...compose.matchAll(/^ {6}KAFKA_([A-Z_]+): '?([^'\n]+)'?$/gm)].map(([, name = '', value]) => [name, value]),
    );
    delete settings['BROKERS'];
    const expected = {
      ...kafkaProperties({ port: 9092, controllerPort: 9093, data: '/var/lib/kafka/data', listen: '0.0.0.0' }),
      'advertised.listeners': 'PLAINTEXT://kafka:9092',
    };

    expect(settings).toEqual(
      Object.fromEntries(Object.entries(expected).map(([name, value]) => [name.toUpperCase().replaceAll('.', '_'), value])),
    );
  });
});
