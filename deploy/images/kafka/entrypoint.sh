#!/bin/sh
# Reads its settings as the image apache/kafka does: KAFKA_NUM_PARTITIONS=4 is num.partitions=4; `__` is an underscore, `___` a hyphen.
set -eu
properties=/tmp/server.properties
awk 'BEGIN {
  for (name in ENVIRON) {
    if (name !~ /^KAFKA_[A-Z]/ || name == "KAFKA_HEAP_OPTS") continue
    key = tolower(substr(name, 7))
    gsub(/___/, "\001", key); gsub(/__/, "\002", key); gsub(/_/, ".", key); gsub(/\001/, "-", key); gsub(/\002/, "_", key)
    print key "=" ENVIRON[name]
  }
}' > "$properties"
if ! grep -q '^node.id=' "$properties" || ! grep -q '^log.dirs=' "$properties"; then
  echo 'KAFKA_NODE_ID and KAFKA_LOG_DIRS are missing: the settings of the broker come as variables, see docker-compose.yml' >&2
  exit 78
fi


options="-Dlog4j2.configurationFile=/opt/kafka/log4j2.properties"
data=$(sed -n 's/^log.dirs=//p' "$properties")
if [ ! -e "$data/meta.properties" ]; then
  # 16 random bytes in base64url; one that begins with a hyphen would read as an option.
  cluster=${CLUSTER_ID:-A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22)}
  standalone=$(grep -q '^controller.quorum.voters=' "$properties" || echo --standalone)
  # shellcheck disable=SC2086
  java -Xmx128m -XX:TieredStopAtLevel=1 $options -cp '/opt/kafka/jars/*' kafka.tools.StorageTool format $standalone -t "$cluster" -c "$properties"
fi
# shellcheck disable=SC2086
exec java $KAFKA_HEAP_OPTS $options -cp '/opt/kafka/jars/*' kafka.Kafka "$properties"
