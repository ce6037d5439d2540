#!/bin/sh
# Fetches the jars of Kafka that hold the message schemas into a folder, with Maven as it is configured on this machine.
#
#   internal/protocol/generate/schemas.sh FOLDER
set -eu
version=4.4.0
folder=${1:?usage: schemas.sh FOLDER}
mkdir -p "$folder"
for artifact in kafka-clients kafka-group-coordinator kafka-metadata; do
	[ -f "$folder/$artifact-$version.jar" ] ||
		mvn -q -B -Dstyle.color=never dependency:copy -Dartifact="org.apache.kafka:$artifact:$version" -DoutputDirectory="$folder"
done
