/** What server.properties says for one node that is broker and controller. `listen` is the address the broker binds to. */
export function kafkaProperties(options: { port: number; controllerPort: number; data: string; listen?: string }): Record<string, string> {
  const { port, controllerPort, data, listen = '127.0.0.1' } = options;
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    // The static form of the quorum: with the dynamic one the controller's port is stored in the data and could never change.
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://${listen}:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': data,
    'num.partitions': '4',
    // A topic that nobody made is a mistake in a name, not a wish.
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // The default waits 3 s for more members before the first one gets its partitions.
    'group.initial.rebalance.delay.ms': '0',
    // The ghost of a crashed consumer holds its partitions until its session ends; kafkajs asks for 6 s or more, tests for less.
    'group.min.session.timeout.ms': '1000',
    'log.cleaner.dedupe.buffer.size': '16777216',
    // After a kill -9 the broker waits for its own old session: 9 s by default.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
  };
}
