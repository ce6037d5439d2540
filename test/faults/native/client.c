// client: a producer, or a member of a group, with librdkafka. It works until its stdin ends, and says what it did as a
// history of package check: one operation a line on stdout.
//
//	client produce NAME TOPIC PARTITIONS [name=value...]
//	client consume NAME TOPIC GROUP [name=value...]
#include <librdkafka/rdkafka.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *name, *topic, *group;

static int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what, const char *why) {
	fprintf(stderr, "%s: %s: %s\n", name ? name : "client", what, why);
	exit(1);
}

// told_to_end says whether stdin has ended.
static int told_to_end(void) {
	struct pollfd in = {0, POLLIN, 0};
	return poll(&in, 1, 0) > 0;
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value) {
	char why[512];
	if (rd_kafka_conf_set(conf, key, value, why, sizeof why) != RD_KAFKA_CONF_OK)
		die(key, why);
}

static void set_all(rd_kafka_conf_t *conf, int n, char **args) {
	for (int i = 0; i < n; i++) {
		char *value = strchr(args[i], '=');
		if (value == NULL)
			die(args[i], "not name=value");
		*value = 0;
		set(conf, args[i], value + 1);
	}
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
	char why[512];
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
	if (rk == NULL)
		die("rd_kafka_new", why);
	return rk;
}

// begin_line prints what every operation has.
static void begin_line(const char *kind, int64_t invoked, const char *outcome, const char *error) {
	printf("{\"process\":\"%s\",\"kind\":\"%s\",\"invoked\":%" PRId64 ",\"completed\":%" PRId64 ",\"outcome\":\"%s\"", name, kind, invoked,
	       now_ns(), outcome);
	if (error != NULL)
		printf(",\"error\":\"%s\"", error);
}

static void print_record(int32_t partition, int64_t offset, const char *value, size_t size) {
	printf("{\"topic\":\"%s\",\"partition\":%d,\"offset\":%" PRId64 ",\"value\":\"%.*s\"}", topic, partition, offset, (int)size, value);
}

// The producer.

static long unanswered;

// delivered prints a send. A record that librdkafka gives up may be in the log, or come into it.
static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
	(void)rk;
	(void)opaque;
	int64_t *invoked = m->_private;
	unanswered--;
	begin_line("send", *invoked, m->err ? "info" : "ok", m->err ? rd_kafka_err2name(m->err) : NULL);
	printf(",\"idempotent\":true,\"records\":[");
	print_record(m->partition, m->err ? -1 : m->offset, m->payload, m->len);
	printf("]}\n");
	free(invoked);
}

static void send_one(rd_kafka_t *rk, rd_kafka_topic_t *rkt, int32_t partition, long serial) {
	char value[128];
	int size = snprintf(value, sizeof value, "%s-%ld", name, serial);
	int64_t *invoked = malloc(sizeof *invoked);
	*invoked = now_ns();
	while (rd_kafka_produce(rkt, partition, RD_KAFKA_MSG_F_COPY, value, (size_t)size, NULL, 0, invoked) == -1) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("produce", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(rk, 10);
		fflush(stdout);
	}
	unanswered++;
}

static void produce(int partitions, int n, char **args) {
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "enable.idempotence", "true");
	set(conf, "message.timeout.ms", "0");
	set(conf, "queue.buffering.max.messages", "500");
	set_all(conf, n, args);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, conf);
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
	for (long serial = 0; !told_to_end(); serial++) {
		send_one(rk, rkt, (int32_t)(serial % partitions), serial);
		if (serial % 10 == 9)
			rd_kafka_poll(rk, 20);
		fflush(stdout);
	}
	while (unanswered > 0) {
		rd_kafka_poll(rk, 100);
		fflush(stdout);
	}
}

// The member of a group.

enum { BATCH = 100 };

static rd_kafka_message_t *batch[BATCH];
static int batched;
static int64_t batch_begun;

// end_poll prints what was read, as one poll.
static void end_poll(void) {
	if (batched == 0)
		return;
	begin_line("poll", batch_begun, "ok", NULL);
	printf(",\"records\":[");
	for (int i = 0; i < batched; i++) {
		if (i > 0)
			printf(",");
		print_record(batch[i]->partition, batch[i]->offset, batch[i]->payload, batch[i]->len);
	}
	printf("]}\n");
}

static void forget_batch(void) {
	for (int i = 0; i < batched; i++)
		rd_kafka_message_destroy(batch[i]);
	batched = 0;
}

// moved is called when partitions come and go. What was read of them is not committed any more.
static void moved(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque) {
	(void)opaque;
	end_poll();
	forget_batch();
	rd_kafka_assign(rk, err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? list : NULL);
	begin_line("subscribe", now_ns(), "ok", NULL);
	printf("}\n");
}

// commit commits what the batch ends with, with metadata that nobody has committed before.
static void commit(rd_kafka_t *rk) {
	static long serial;
	char metadata[128];
	snprintf(metadata, sizeof metadata, "%s#%ld", name, serial++);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
	for (int i = 0; i < batched; i++) {
		rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_find(list, topic, batch[i]->partition);
		if (p == NULL) {
			p = rd_kafka_topic_partition_list_add(list, topic, batch[i]->partition);
			p->metadata = strdup(metadata);
			p->metadata_size = strlen(metadata);
		}
		p->offset = batch[i]->offset + 1;
	}
	int64_t invoked = now_ns();
	rd_kafka_resp_err_t err = rd_kafka_commit(rk, list, 0);
	for (int i = 0; i < list->cnt; i++)
		if (!err)
			err = list->elems[i].err;
	begin_line("commit", invoked, err ? "info" : "ok", err ? rd_kafka_err2name(err) : NULL);
	printf(",\"group\":\"%s\",\"generation\":-1,\"offsets\":[", group);
	for (int i = 0; i < list->cnt; i++)
		printf("%s{\"topic\":\"%s\",\"partition\":%d,\"offset\":%" PRId64 ",\"leaderEpoch\":-1,\"metadata\":\"%s\"}", i > 0 ? "," : "", topic,
		       list->elems[i].partition, list->elems[i].offset, metadata);
	printf("]}\n");
	rd_kafka_topic_partition_list_destroy(list);
}

static void consume(int n, char **args) {
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "group.id", group);
	set(conf, "enable.auto.commit", "false");
	set(conf, "auto.offset.reset", "earliest");
	set(conf, "fetch.wait.max.ms", "200");
	set_all(conf, n, args);
	rd_kafka_conf_set_rebalance_cb(conf, moved);
	rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, conf);
	rd_kafka_poll_set_consumer(rk);
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t err = rd_kafka_subscribe(rk, topics);
	if (err)
		die("subscribe", rd_kafka_err2str(err));
	while (!told_to_end()) {
		batch_begun = now_ns();
		int wait = 100;
		while (batched < BATCH) {
			rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, wait);
			if (m == NULL)
				break;
			wait = 1;
			if (m->err)
				rd_kafka_message_destroy(m); // it passes, and librdkafka tries again
			else
				batch[batched++] = m;
		}
		end_poll();
		if (batched > 0)
			commit(rk);
		forget_batch();
		fflush(stdout);
	}
	rd_kafka_consumer_close(rk);
}

int main(int argc, char **argv) {
	if (argc < 5)
		die("usage", "client produce|consume NAME TOPIC PARTITIONS|GROUP [name=value...]");
	static char buffer[1 << 20];
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	name = argv[2];
	topic = argv[3];
	if (strcmp(argv[1], "produce") == 0) {
		produce(atoi(argv[4]), argc - 5, argv + 5);
	} else {
		group = argv[4];
		consume(argc - 5, argv + 5);
	}
	fflush(stdout);
	return 0;
}
