#!/bin/sh
# Speaks like the official image as far as it is used here: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE at the first start, options of postgres as the command.
set -eu
case "${1:-}" in
  '' | -*) set -- postgres "$@" ;;
  postgres) ;;
  *) exec "$@" ;;
esac
shift

volume=/var/lib/postgresql/data
data=$volume/cluster
if [ ! -e "$data" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE"); fi
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo 'POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is missing: the superuser needs a password' >&2
    exit 78
  fi
  # Made aside and renamed: a first start that was interrupted leaves nothing that looks like a database.
  rm -rf "$volume/new"
  (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password)
  initdb -D "$volume/new" --username=postgres --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> "$volume/new/pg_hba.conf"
  mv "$volume/new" "$data"
fi
unset POSTGRES_PASSWORD
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
