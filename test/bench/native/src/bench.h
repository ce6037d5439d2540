// What the programs of this folder share: time, a deadline, the result line.
//
// Each program prints one JSON object on stdout and exits 0, or says on stderr what went wrong and exits 1. A program
// that has not ended after its deadline is ended by SIGALRM.
#ifndef SKEIN_BENCH_H
#define SKEIN_BENCH_H

#include <librdkafka/rdkafka.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline double seconds_since(int64_t from) { return (double)(now_ns() - from) / 1e9; }

static inline void die(const char *what, const char *why) {
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

// begin sets the deadline. It also keeps freed memory in the process: the large buffers of librdkafka would otherwise
// be mapped, touched and unmapped for each response, and the client would measure the machine's page faults.
static inline void begin(const char *deadline_s) {
	alarm((unsigned)atoi(deadline_s));
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

static inline void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
	char why[512];
	if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
		die(name, why);
}

// set_all takes name=value arguments.
static inline void set_all(rd_kafka_conf_t *conf, int n, char **args) {
	for (int i = 0; i < n; i++) {
		char *value = strchr(args[i], '=');
		if (value == NULL)
			die(args[i], "not name=value");
		*value = 0;
		set(conf, args[i], value + 1);
		*value = '=';
	}
}

static inline rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
	char why[512];
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
	if (rk == NULL)
		die("rd_kafka_new", why);
	return rk;
}

// await_topic waits until the client knows the topic, so that connecting is not measured.
static inline void await_topic(rd_kafka_t *rk, rd_kafka_topic_t *topic) {
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, topic, &metadata, 10000);
	if (err)
		die("metadata", rd_kafka_err2str(err));
	rd_kafka_metadata_destroy(metadata);
}

static inline double cpu_seconds(void) {
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

#endif
