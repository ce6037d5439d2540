// consume: a number of records from the start of a topic, in batches, without looking at them.
//
//	consume BROKER TOPIC PARTITIONS COUNT DEADLINE_S [name=value...]
//
// All partitions feed one queue, which is read with rd_kafka_consume_batch_queue. Time runs from the moment the first
// fetch may be sent until the last record is here.
#include "bench.h"

enum { BATCH = 10000 };

static rd_kafka_conf_t *configure(char *broker, int n, char **args) {
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", broker);
	set(conf, "group.id", "unused");
	set(conf, "enable.auto.commit", "false");
	set(conf, "enable.auto.offset.store", "false");
	set(conf, "queued.min.messages", "1000000");
	set_all(conf, n, args);
	return conf;
}

// take empties a batch and counts records and bytes of their values.
static void take(rd_kafka_message_t **batch, ssize_t n, long *records, uint64_t *bytes) {
	for (ssize_t i = 0; i < n; i++) {
		if (batch[i]->err == 0)
			++*records, *bytes += batch[i]->len;
		else if (batch[i]->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
			die("consume", rd_kafka_message_errstr(batch[i]));
		rd_kafka_message_destroy(batch[i]);
	}
}

int main(int argc, char **argv) {
	if (argc < 6)
		die("usage", "consume BROKER TOPIC PARTITIONS COUNT DEADLINE_S [name=value...]");
	begin(argv[5]);
	int partitions = atoi(argv[3]);
	long count = atol(argv[4]), records = 0;
	uint64_t bytes = 0;
	static rd_kafka_message_t *batch[BATCH];

	rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, configure(argv[1], argc - 6, argv + 6));
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, argv[2], NULL);
	await_topic(rk, topic);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);

	int64_t start = now_ns();
	for (int p = 0; p < partitions; p++)
		if (rd_kafka_consume_start_queue(topic, p, RD_KAFKA_OFFSET_BEGINNING, queue) == -1)
			die("consume_start", rd_kafka_err2str(rd_kafka_last_error()));
	while (records < count) {
		// It waits for a full batch, so it is asked for no more than there will be.
		size_t most = count - records < BATCH ? (size_t)(count - records) : BATCH;
		ssize_t n = rd_kafka_consume_batch_queue(queue, 1000, batch, most);
		if (n < 0)
			die("consume_batch", rd_kafka_err2str(rd_kafka_last_error()));
		take(batch, n, &records, &bytes);
	}
	double took = seconds_since(start);
	printf("{\"records\": %ld, \"bytes\": %llu, \"seconds\": %.6f, \"client_cpu_s\": %.3f, \"librdkafka\": \"%s\"}\n", records,
	       (unsigned long long)bytes, took, cpu_seconds(), rd_kafka_version_str());
	fflush(stdout);
	_exit(0); // what is still queued need not be freed one by one
}
