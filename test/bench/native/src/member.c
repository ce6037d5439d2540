// member: one consumer of a group with librdkafka's defaults, until it is killed.
//
//	member BROKER GROUP TOPIC SESSION_MS DEADLINE_S
//
// One line on stdout for each thing that happens; times are nanoseconds of the wall clock:
//
//	contact NANOS             a request is sent that tells the coordinator that the member lives
//	consumed PARTITION NANOS  the first record of a partition since it was assigned
#include "bench.h"

enum { PARTITIONS = 1024 };

static char seen[PARTITIONS];

static int64_t wall_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// on_log reads librdkafka's "protocol" log, the only place that tells when a heartbeat was sent.
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *line) {
	static const char *requests[] = {"Sent HeartbeatRequest", "Sent JoinGroupRequest", "Sent SyncGroupRequest", "Sent OffsetCommitRequest"};
	(void)rk;
	(void)facility;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
		if (strstr(line, requests[i]))
			printf("contact %lld\n", (long long)wall_ns());
	if (level <= 3)
		fprintf(stderr, "%s\n", line);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions, void *opaque) {
	(void)opaque;
	memset(seen, 0, sizeof seen);
	rd_kafka_assign(rk, err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? partitions : NULL);
}

int main(int argc, char **argv) {
	if (argc != 6)
		die("usage", "member BROKER GROUP TOPIC SESSION_MS DEADLINE_S");
	begin(argv[5]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", argv[1]);
	set(conf, "group.id", argv[2]);
	set(conf, "session.timeout.ms", argv[4]);
	set(conf, "auto.offset.reset", "earliest");
	set(conf, "debug", "protocol");
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, conf);
	rd_kafka_poll_set_consumer(rk);
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, argv[3], RD_KAFKA_PARTITION_UA);
	rd_kafka_subscribe(rk, topics);
	for (;;) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 1000);
		if (m == NULL)
			continue;
		if (m->err == 0 && m->partition < PARTITIONS && !seen[m->partition]) {
			seen[m->partition] = 1;
			printf("consumed %d %lld\n", m->partition, (long long)wall_ns());
		}
		rd_kafka_message_destroy(m);
	}
}
