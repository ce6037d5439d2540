// produce: as many records as asked for, as lean as librdkafka allows.
//
//	produce BROKER TOPIC PARTITIONS SIZE COUNT MB_PER_S DEADLINE_S [name=value...]
//
// The payload is random bytes and is handed over without a copy (msgflags 0). A thousand records go to one partition,
// then a thousand to the next. MB_PER_S 0 is as fast as possible; otherwise each record waits for its time.
// Deliveries are reported for failures only; the caller checks the end offsets.
#include "bench.h"

enum { RUN = 1000, PACE = 50, SPREAD = 1 << 20 };

static long failed;

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
	(void)rk;
	(void)opaque;
	if (m->err && failed++ == 0)
		fprintf(stderr, "first failed delivery: %s\n", rd_kafka_err2str(m->err));
}

static rd_kafka_conf_t *configure(char *broker, int n, char **args) {
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", broker);
	set(conf, "acks", "all");
	set(conf, "linger.ms", "5");
	set(conf, "batch.num.messages", "10000");
	set(conf, "queue.buffering.max.messages", "500000");
	set(conf, "queue.buffering.max.kbytes", "1000000");
	set(conf, "delivery.report.only.error", "true");
	set_all(conf, n, args);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	return conf;
}

// random_bytes fills a block from which records are cut at changing places.
static char *random_bytes(size_t n) {
	char *block = malloc(n);
	uint64_t x = 88172645463325252ull;
	for (size_t i = 0; i + 8 <= n; i += 8) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		memcpy(block + i, &x, 8);
	}
	return block;
}

// sleep_until may return up to half a millisecond early, so that a record costs no sleep of its own.
static void sleep_until(int64_t due) {
	int64_t left = due - now_ns();
	struct timespec t = {left / 1000000000, left % 1000000000};
	if (left > 500000)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void produce(rd_kafka_topic_t *topic, rd_kafka_t *rk, int32_t partition, char *value, size_t size) {
	while (rd_kafka_produce(topic, partition, 0, value, size, NULL, 0, NULL) == -1) {
		rd_kafka_resp_err_t err = rd_kafka_last_error();
		if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("produce", rd_kafka_err2str(err));
		rd_kafka_poll(rk, 5);
	}
}

int main(int argc, char **argv) {
	if (argc < 8)
		die("usage", "produce BROKER TOPIC PARTITIONS SIZE COUNT MB_PER_S DEADLINE_S [name=value...]");
	begin(argv[7]);
	int partitions = atoi(argv[3]);
	size_t size = (size_t)atol(argv[4]);
	long count = atol(argv[5]);
	double rate = atof(argv[6]) * 1e6;
	char *block = random_bytes(SPREAD + size);

	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, configure(argv[1], argc - 8, argv + 8));
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, argv[2], NULL);
	await_topic(rk, topic);

	int64_t start = now_ns();
	size_t at = 0;
	for (long i = 0; i < count; i++) {
		if (rate > 0 && i % PACE == 0)
			sleep_until(start + (int64_t)((double)i * (double)size / rate * 1e9));
		at = (at + 7919) & (SPREAD - 1);
		produce(topic, rk, (int32_t)(i / RUN % partitions), block + at, size);
		if (i % RUN == 0)
			rd_kafka_poll(rk, 0);
	}
	rd_kafka_resp_err_t err = rd_kafka_flush(rk, 60000);
	double took = seconds_since(start);
	if (err)
		die("flush", rd_kafka_err2str(err));
	printf("{\"records\": %ld, \"failed\": %ld, \"seconds\": %.6f, \"client_cpu_s\": %.3f, \"librdkafka\": \"%s\"}\n", count,
	       failed, took, cpu_seconds(), rd_kafka_version_str());
	return failed > 0;
}
