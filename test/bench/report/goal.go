package report

import "fmt"

// Names of sides.
const (
	Skein      = "skein"
	Kafka      = "kafka"       // Kafka's defaults: page cache
	KafkaFlush = "kafka-flush" // log.flush.interval.messages=1
	Floor      = "floor"       // the machine, without a broker
	FloorSync  = "floor-sync"  // the same, with an fdatasync after each MiB
)

// Goal is one line of the table: what is measured, and the bound that skein
// is to keep.
type Goal struct {
	Work   string
	Figure string
	Value  string // key of Sample.Values
	Unit   string
	Digits int

	// Against is the side that skein is compared with; if it is empty the
	// bound is an amount of Unit.
	Against string
	// Fastest, if it is set, makes that the other side with the greatest median of this value.
	Fastest string
	Bound   float64
	AtLeast bool // the bound is a least ratio; otherwise a greatest ratio or amount

	Floor string // the side that shows the machine's floor, if there is one
}

// Text is the goal in words.
func (g Goal) Text() string {
	sign := "≤"
	if g.AtLeast {
		sign = "≥"
	}
	other := g.Against
	if g.Fastest != "" {
		other = "the fastest other"
	}
	if other == "" {
		return fmt.Sprintf("%s %g %s", sign, g.Bound, g.Unit)
	}
	return fmt.Sprintf("%s %gx %s", sign, g.Bound, other)
}

const rate = "records_per_s"

// Goals are the figures that skein is measured by.
var Goals = []Goal{
	{Work: "produce 1 KiB, rate", Figure: "produce1k", Value: "mb_per_s", Unit: "MB/s", Against: Kafka, Bound: 1.15, AtLeast: true, Floor: FloorSync},
	{Work: "produce 1 KiB, CPU", Figure: "produce1k", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: Kafka, Bound: 0.65, Floor: FloorSync},
	{Work: "produce 1 KiB, CPU, flushed", Figure: "produce1k", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: KafkaFlush, Bound: 0.5, Floor: FloorSync},
	{Work: "produce 1 KiB at 300 MB/s, CPU", Figure: "produce1k@300", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: Kafka, Bound: 0.65, Floor: FloorSync},
	{Work: "produce 1 KiB at 300 MB/s, CPU, flushed", Figure: "produce1k@300", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: KafkaFlush, Bound: 0.5, Floor: FloorSync},
	{Work: "produce 100 B, rate", Figure: "produce100", Value: "mb_per_s", Unit: "MB/s", Against: Kafka, Bound: 1.1, AtLeast: true, Floor: FloorSync},
	{Work: "produce 100 B, CPU", Figure: "produce100", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: Kafka, Bound: 0.45, Floor: FloorSync},
	{Work: "produce 100 B, rate, both synced", Figure: "produce100", Value: "mb_per_s", Unit: "MB/s", Against: KafkaFlush, Bound: 1.1, AtLeast: true, Floor: FloorSync},
	{Work: "produce 100 B, CPU, both synced", Figure: "produce100", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: KafkaFlush, Bound: 0.45, Floor: FloorSync},
	{Work: "consume 1 KiB, rate", Figure: "consume1k", Value: "mb_per_s", Unit: "MB/s", Against: Kafka, Bound: 1.1, AtLeast: true, Floor: Floor},
	{Work: "consume 1 KiB, CPU", Figure: "consume1k", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: Kafka, Bound: 0.8, Floor: Floor},
	{Work: "consume 100 B, rate", Figure: "consume100", Value: "mb_per_s", Unit: "MB/s", Against: Kafka, Bound: 1.3, AtLeast: true, Floor: Floor},
	{Work: "consume 100 B, CPU", Figure: "consume100", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: Kafka, Bound: 0.8, Floor: Floor},
	{Work: "latency at 1,000 records/s, p50", Figure: "latency", Value: "p50_ms", Unit: "ms", Digits: 2, Against: Kafka, Bound: 0.7, Floor: Floor},
	{Work: "latency at 1,000 records/s, p99", Figure: "latency", Value: "p99_ms", Unit: "ms", Digits: 2, Against: Kafka, Bound: 0.3, Floor: Floor},
	{Work: "latency at 1,000 records/s, p99", Figure: "latency", Value: "p99_ms", Unit: "ms", Digits: 2, Bound: 5, Floor: Floor},
	{Work: "OffsetCommit, rate", Figure: "commits", Value: "per_s", Unit: "/s", Against: Kafka, Bound: 2, AtLeast: true, Floor: Floor},
	{Work: "OffsetCommit, p99", Figure: "commits", Value: "p99_ms", Unit: "ms", Digits: 2, Against: Kafka, Bound: 0.5, Floor: Floor},
	{Work: "OffsetCommit, rate, both synced", Figure: "commits", Value: "per_s", Unit: "/s", Against: KafkaFlush, Bound: 2, AtLeast: true, Floor: Floor},
	{Work: "OffsetCommit, p99, both synced", Figure: "commits", Value: "p99_ms", Unit: "ms", Digits: 2, Against: KafkaFlush, Bound: 0.5, Floor: Floor},
	{Work: "commits: 16 connections x 10 partitions, rate", Figure: "commits", Value: "per_s", Unit: "/s", Against: Kafka, Bound: 3, AtLeast: true, Floor: Floor},
	{Work: "commits: 16 connections x 10 partitions, rate, both synced", Figure: "commits", Value: "per_s", Unit: "/s", Against: KafkaFlush, Bound: 3, AtLeast: true, Floor: Floor},
	{Work: "500 members join, time", Figure: "join", Value: "seconds", Unit: "s", Digits: 2, Against: Kafka, Bound: 0.15},
	{Work: "500 members join at once, classic, initial delay 0", Figure: "join", Value: "seconds", Unit: "s", Digits: 2, Against: Kafka, Bound: 0.1},
	{Work: "500 members join, rebalances", Figure: "join", Value: "rebalances", Unit: "rebalances", Bound: 2},
	{Work: "500 members join (v3), time", Figure: "join-v3", Value: "seconds", Unit: "s", Digits: 2, Against: Kafka, Bound: 0.15},
	{Work: "500 members join at once, classic, initial delay 0 (v3)", Figure: "join-v3", Value: "seconds", Unit: "s", Digits: 2, Against: Kafka, Bound: 0.1},
	{Work: "500 members join (v3), rebalances", Figure: "join-v3", Value: "rebalances", Unit: "rebalances", Bound: 2},
	{Work: "one member of 500 leaves, until all are stable", Figure: "churn", Value: "leave_ms", Unit: "ms", Bound: 500},
	{Work: "one member of 500 joins, until all are stable", Figure: "churn", Value: "join_ms", Unit: "ms", Bound: 500},
	{Work: "the same, members that commit each 5 s, leaves", Figure: "churn-commits", Value: "leave_ms", Unit: "ms", Bound: 500},
	{Work: "the same, members that commit each 5 s, joins", Figure: "churn-commits", Value: "join_ms", Unit: "ms", Bound: 500},
	{Work: "expiry after due, franz-go", Figure: "takeover", Value: "franz-go_expiry_late_ms", Unit: "ms", Bound: 50},
	{Work: "expiry until consumed, franz-go", Figure: "takeover", Value: "franz-go_takeover_ms", Unit: "ms", Bound: 300},
	{Work: "expiry after due, librdkafka", Figure: "takeover", Value: "librdkafka_expiry_late_ms", Unit: "ms", Bound: 50},
	{Work: "expiry until consumed, librdkafka", Figure: "takeover", Value: "librdkafka_takeover_ms", Unit: "ms", Bound: 300},
	{Work: "start to first answer", Figure: "start", Value: "ms", Unit: "ms", Digits: 1, Bound: 30},
	{Work: "idle, anonymous memory", Figure: "idle", Value: "anonymous_mb", Unit: "MB", Digits: 1, Bound: 20},
	{Work: "idle, RSS", Figure: "idle", Value: "rss_mb", Unit: "MB", Digits: 1, Bound: 40},
	{Work: "after the whole run, anonymous memory", Figure: "after", Value: "anonymous_mb", Unit: "MB", Digits: 1, Bound: 150},
	{Work: "5,000 partitions, anonymous memory", Figure: "partitions", Value: "anonymous_mb", Unit: "MB", Digits: 1, Bound: 150},
	{Work: "restart after kill -9", Figure: "restart", Value: "seconds", Unit: "s", Digits: 2, Bound: 2},
	{Work: "10,000 members in one group, until stable", Figure: "crowd", Value: "seconds", Unit: "s", Digits: 1, Bound: 60},
	{Work: "10,000 members, broker until stable", Figure: "crowd", Value: "cores", Unit: "cores", Digits: 2, Bound: 1},
	{Work: "10,000 members, broker once stable", Figure: "crowd", Value: "steady_cores", Unit: "cores", Digits: 2, Bound: 1},
	{Work: "10,000 members, RSS", Figure: "crowd", Value: "rss_mb", Unit: "MB", Bound: 500},
	{Work: "10,000 members, RSS, peak", Figure: "crowd", Value: "peak_rss_mb", Unit: "MB", Bound: 500},
	{Work: "50,000 groups with 10 committed partitions each, load after kill -9", Figure: "load", Value: "kill_seconds", Unit: "s", Digits: 2, Bound: 3},
	{Work: "50,000 groups with 10 committed partitions each, load after a clean end", Figure: "load", Value: "clean_seconds", Unit: "s", Digits: 2, Bound: 3},
	{Work: "50,000 groups, loaded after kill -9, anonymous memory", Figure: "load", Value: "kill_anonymous_mb", Unit: "MB", Bound: 300},
	{Work: "50,000 groups, loaded after a clean end, anonymous memory", Figure: "load", Value: "clean_anonymous_mb", Unit: "MB", Bound: 300},
	{Work: "consumer, 1 KiB, rate", Figure: "poll1k", Value: rate, Unit: "records/s", Fastest: rate, Bound: 1, AtLeast: true},
	{Work: "consumer, 1 KiB, CPU", Figure: "poll1k", Value: "cpu_us", Unit: "us/record", Digits: 3, Fastest: rate, Bound: 1},
	{Work: "consumer, 1 KiB, allocations", Figure: "poll1k", Value: "allocs", Unit: "/record", Digits: 4, Fastest: rate, Bound: 1},
	{Work: "consumer, 100 B, rate", Figure: "poll100", Value: rate, Unit: "records/s", Fastest: rate, Bound: 1, AtLeast: true},
	{Work: "consumer, 100 B, CPU", Figure: "poll100", Value: "cpu_us", Unit: "us/record", Digits: 3, Fastest: rate, Bound: 1},
	{Work: "consumer, 100 B, allocations", Figure: "poll100", Value: "allocs", Unit: "/record", Digits: 4, Fastest: rate, Bound: 1},
	{Work: "16 hot keys, a handler of 1 ms, by key to one after the other", Figure: "keyed", Value: "ratio", Unit: "x", Digits: 1, Bound: 12, AtLeast: true},
	{Work: "50 members, one joins, pause of what stays", Figure: "pause", Value: "stay_ms", Unit: "ms", Bound: 100},
	{Work: "three nodes, from nothing to the first record", Figure: "cluster-start", Value: "ms", Unit: "ms", Bound: 500},
	{Work: "three nodes, produce 1 KiB, rate", Figure: "cluster-produce", Value: "mb_per_s", Unit: "MB/s", Against: Kafka, Bound: 2, AtLeast: true},
	{Work: "three nodes, produce 1 KiB, CPU of all", Figure: "cluster-produce", Value: "cpu_s_per_gib", Unit: "s/GiB", Digits: 2, Against: Kafka, Bound: 0.35},
	{Work: "three nodes, produce 1 KiB, RSS of the largest", Figure: "cluster-produce", Value: "rss_mb", Unit: "MB", Against: Kafka, Bound: 0.35},
	{Work: "three nodes, latency at 1,000 records/s, p99", Figure: "cluster-latency", Value: "p99_ms", Unit: "ms", Digits: 2, Against: Kafka, Bound: 0.5},
	{Work: "leader killed, until the next record", Figure: "cluster-failover", Value: "leader_ms", Unit: "ms", Bound: 1500},
	{Work: "leader and controller killed, until the next record", Figure: "cluster-failover", Value: "leader_and_controller_ms", Unit: "ms", Bound: 1500},
	{Work: "controller killed, until a topic is created", Figure: "cluster-failover", Value: "controller_ms", Unit: "ms", Bound: 2000},
	{Work: "coordinator killed, until a group commits", Figure: "cluster-failover", Value: "coordinator_ms", Unit: "ms", Bound: 2000},
	{Work: "10,000 partitions x 3, created", Figure: "cluster-partitions", Value: "create_seconds", Unit: "s", Digits: 1, Bound: 10},
	{Work: "10,000 partitions x 3, a node is killed, until all have a leader", Figure: "cluster-partitions", Value: "failover_seconds", Unit: "s", Digits: 1, Bound: 5},
	{Work: "10,000 partitions x 3, RSS of the largest node", Figure: "cluster-partitions", Value: "rss_mb", Unit: "MB", Bound: 500},
}
