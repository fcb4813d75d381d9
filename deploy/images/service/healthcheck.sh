#!/bin/bash
# Ready means more than alive: database, broker and consumer of the service were just asked.
# bash speaks HTTP/1.0 in 5 ms; a node for each look of each service costs more than the services do when they are idle.
exec 3<> "/dev/tcp/127.0.0.1/${PORT}" || exit 1
printf 'GET /health/ready HTTP/1.0\r\n\r\n' >&3
read -r -t 4 status <&3 || exit 1
[[ $status == HTTP/1.?' 200 '* ]]
