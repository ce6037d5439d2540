#!/bin/sh
# Gives random bodies of every message and version, written by our codec, to Kafka's own classes, which must read them
# and write the same bytes again. Needs a JDK of 17 or later and the jars that schemas.sh fetches, with slf4j-api.
#
#   internal/protocol/generate/oracle/check.sh JARS_FOLDER
set -eu
jars=$(cd "${1:?usage: check.sh JARS_FOLDER}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
vectors=$(mktemp)
trap 'rm -f "$vectors"' EXIT
cd "$here/../.."
go test -count=1 -run '^TestKafkaVectors$' . -args -vectors="$vectors" -rounds=20
java -cp "$jars/*" "$here/Oracle.java" <"$vectors"
