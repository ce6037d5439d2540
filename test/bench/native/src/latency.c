// latency: from rd_kafka_produce to the consumer's loop, in one process, at a fixed rate.
//
//	latency BROKER TOPIC PARTITIONS SIZE RATE COUNT SKIP DEADLINE_S [name=value...]
//
// Each value starts with the monotonic time at which its record was due: a producer that is held up does not hide it.
// The first SKIP records are not counted. The properties go to both clients.
#include "bench.h"
#include <pthread.h>

struct job {
	char *broker, *topic;
	int partitions, properties;
	char **property;
	size_t size;
	long rate, count, skip;
};

static rd_kafka_conf_t *configure(struct job *job) {
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", job->broker);
	return conf;
}

static void *produce(void *arg) {
	struct job *job = arg;
	rd_kafka_conf_t *conf = configure(job);
	set(conf, "acks", "all");
	set(conf, "linger.ms", "0");
	set_all(conf, job->properties, job->property);
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, conf);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, job->topic, NULL);
	await_topic(rk, topic);
	char *value = calloc(1, job->size);
	int64_t start = now_ns() + 50000000;
	for (long i = 0; i < job->count; i++) {
		int64_t due = start + i * 1000000000 / job->rate;
		struct timespec at = {due / 1000000000, due % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		memcpy(value, &due, sizeof due);
		if (rd_kafka_produce(topic, (int32_t)(i % job->partitions), RD_KAFKA_MSG_F_COPY, value, job->size, NULL, 0, NULL) == -1)
			die("produce", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(rk, 0);
	}
	rd_kafka_resp_err_t err = rd_kafka_flush(rk, 30000);
	if (err)
		die("flush", rd_kafka_err2str(err));
	return NULL;
}

static int ascending(const void *a, const void *b) {
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

// latency_of is negative for what is not a record.
static int64_t latency_of(rd_kafka_message_t *m) {
	int64_t now = now_ns(), due;
	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return -1;
	if (m->err)
		die("consume", rd_kafka_message_errstr(m));
	memcpy(&due, m->payload, sizeof due);
	return now - due;
}

static void consume(struct job *job, int64_t *took) {
	rd_kafka_conf_t *conf = configure(job);
	set(conf, "group.id", "unused");
	set(conf, "enable.auto.commit", "false");
	set_all(conf, job->properties, job->property);
	rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, conf);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, job->topic, NULL);
	await_topic(rk, topic);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	for (int p = 0; p < job->partitions; p++)
		rd_kafka_consume_start_queue(topic, p, RD_KAFKA_OFFSET_BEGINNING, queue);
	for (long got = 0; got < job->count;) {
		rd_kafka_message_t *m = rd_kafka_consume_queue(queue, 1000); // the batch call would wait for a full batch
		if (m == NULL)
			continue;
		int64_t t = latency_of(m);
		rd_kafka_message_destroy(m);
		if (t >= 0)
			took[got++] = t;
	}
}

int main(int argc, char **argv) {
	if (argc < 9)
		die("usage", "latency BROKER TOPIC PARTITIONS SIZE RATE COUNT SKIP DEADLINE_S [name=value...]");
	begin(argv[8]);
	struct job job = {argv[1], argv[2], atoi(argv[3]), argc - 9, argv + 9, (size_t)atol(argv[4]), atol(argv[5]), atol(argv[6]), atol(argv[7])};
	if (job.size < sizeof(int64_t) || job.skip >= job.count)
		die("usage", "SIZE is at least 8 and SKIP is less than COUNT");
	int64_t *took = calloc((size_t)job.count, sizeof *took);
	pthread_t producer;
	pthread_create(&producer, NULL, produce, &job);
	consume(&job, took);
	pthread_join(producer, NULL);
	long n = job.count - job.skip;
	qsort(took + job.skip, (size_t)n, sizeof *took, ascending);
	int64_t *t = took + job.skip;
	printf("{\"records\": %ld, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"p999_ms\": %.4f, \"max_ms\": %.4f, \"client_cpu_s\": %.3f, \"librdkafka\": \"%s\"}\n",
	       n, (double)t[n / 2] / 1e6, (double)t[n * 99 / 100] / 1e6, (double)t[n * 999 / 1000] / 1e6, (double)t[n - 1] / 1e6, cpu_seconds(), rd_kafka_version_str());
	fflush(stdout);
	_exit(0);
}
