package scenario

import (
	"context"
	"strconv"
)

// throttled moves replicas under a throttle that is far too low, raises it as the command has it done, and lets --verify take it
// away. narrow is as moves left it.
func (t *clusterTools) throttled(ctx context.Context) {
	const records = 20_000
	t.run(ctx, inTools+"ProducerPerformance", []string{"--topic", narrow, "--num-records", strconv.Itoa(records), "--record-size", "1000", "--throughput", "-1",
		"--command-property", "bootstrap.servers=" + t.env.Bootstrap, "acks=all"}, strconv.Itoa(records)+" records sent")
	plan := t.file("throttled.json", assignment(narrow, "1,3", "2,3"))
	t.broker(ctx, reassignTool, "--execute --throttle 20000 --reassignment-json-file "+plan,
		`The inter-broker throttle limit was set to 20000 B/s`, `Successfully started partition reassignments for `+narrow+`-0,`+narrow+`-1`)
	t.broker(ctx, reassignTool, "--verify --reassignment-json-file "+plan, `Reassignment of partition `+narrow+`-0 is still in progress`)
	brokers, topic := "--describe --entity-type brokers --entity-name 3", "--describe --entity-type topics --entity-name "+narrow
	t.broker(ctx, configTool, brokers, `leader\.replication\.throttled\.rate=20000 `, `follower\.replication\.throttled\.rate=20000 `)
	t.broker(ctx, configTool, topic, `leader\.replication\.throttled\.replicas=(0:1,0:2,1:1,1:2|0:1,0:2,1:2,1:1) `, `follower\.replication\.throttled\.replicas=0:3,1:3 `)

	t.broker(ctx, reassignTool, "--execute --additional --throttle 100000000 --reassignment-json-file "+plan, `The inter-broker throttle limit was set to 100000000 B/s`)
	t.completes(ctx, plan)
	t.lacks(t.broker(ctx, configTool, brokers), `throttled`)
	t.lacks(t.broker(ctx, configTool, topic), `throttled`)
	text := t.broker(ctx, topicTool, "--describe --topic "+narrow)
	t.counts(text, 2, `Partition: \d\s+Leader: [12]\s+Replicas: [12],3\s+Isr: ([12],3|3,[12])\s`)

	back := t.file("throttled-back.json", assignment(narrow, "1,2", "2,1"))
	t.broker(ctx, reassignTool, "--execute --throttle 100000000 --reassignment-json-file "+back, `Successfully started partition reassignments`)
	t.completes(ctx, back)
}
