// Read by every Node a machine may have, so it uses nothing new.
const nodeMajorMin = 24;

/** Ends the process with one sentence when it runs on an old Node. */
export function requireNode(command) {
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) return;
  console.error(
    `Node ${process.versions.node} is too old: Node ${nodeMajorMin} is needed. On Linux x64 \`npm ci\` brings it and \`${command}\` uses it; elsewhere install Node ${nodeMajorMin} LTS.`,
  );
  process.exit(1);
}
