// ping: the floor of latency. What every broker has to do with a record, and nothing else: take it from a socket, put it
// at the end of a file, sync the file, send it to another socket.
//
//	ping FILE SIZE RATE COUNT SKIP DEADLINE_S
//
// Records are due at a fixed rate; time runs from then until the receiver has them. The first SKIP are not counted.
#include "bench.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

enum { BATCH = 256 };

struct job {
	size_t size;
	long rate, count;
	int file;
	int in[2], out[2]; // each a connection: its writing end, its reading end
	int64_t *took;
};

static void connected(int ends[2]) {
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener == -1 || bind(listener, (struct sockaddr *)&at, n) == -1 || listen(listener, 1) == -1 ||
	    getsockname(listener, (struct sockaddr *)&at, &n) == -1)
		die("listen", "on loopback");
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(ends[0], (struct sockaddr *)&at, n) == -1 || (ends[1] = accept(listener, NULL, NULL)) == -1)
		die("connect", "on loopback");
	setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	close(listener);
}

static void receive(int from, char *record, size_t size) {
	for (size_t have = 0; have < size;) {
		ssize_t n = read(from, record + have, size - have);
		if (n <= 0)
			die("read", "the connection ended");
		have += (size_t)n;
	}
}

// store takes all records that are there at once, as a broker does that is behind.
static void *store(void *arg) {
	struct job *job = arg;
	char *records = malloc(BATCH * job->size);
	for (off_t end = 0; end < job->count * (off_t)job->size;) {
		ssize_t n = read(job->in[1], records, BATCH * job->size);
		if (n <= 0)
			die("read", "the connection ended");
		size_t more = (job->size - (size_t)n % job->size) % job->size;
		receive(job->in[1], records + n, more);
		n += (ssize_t)more;
		if (pwrite(job->file, records, (size_t)n, end) != n || fdatasync(job->file) == -1)
			die("write and sync", "failed");
		if (write(job->out[0], records, (size_t)n) != n)
			die("write", "the connection ended");
		end += n;
	}
	return NULL;
}

static void *take(void *arg) {
	struct job *job = arg;
	char *record = malloc(job->size);
	for (long i = 0; i < job->count; i++) {
		int64_t due;
		receive(job->out[1], record, job->size);
		memcpy(&due, record, sizeof due);
		job->took[i] = now_ns() - due;
	}
	return NULL;
}

static int ascending(const void *a, const void *b) {
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv) {
	if (argc != 7)
		die("usage", "ping FILE SIZE RATE COUNT SKIP DEADLINE_S");
	begin(argv[6]);
	struct job job = {.size = (size_t)atol(argv[2]), .rate = atol(argv[3]), .count = atol(argv[4])};
	long skip = atol(argv[5]);
	if (job.size < sizeof(int64_t) || skip >= job.count)
		die("usage", "SIZE is at least 8 and SKIP is less than COUNT");
	if ((job.file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0644)) == -1)
		die("open", argv[1]);
	job.took = calloc((size_t)job.count, sizeof *job.took);
	connected(job.in);
	connected(job.out);
	pthread_t storing, taking;
	pthread_create(&storing, NULL, store, &job);
	pthread_create(&taking, NULL, take, &job);
	char *record = calloc(1, job.size);
	int64_t start = now_ns() + 50000000;
	for (long i = 0; i < job.count; i++) {
		int64_t due = start + i * 1000000000 / job.rate;
		struct timespec at = {due / 1000000000, due % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		memcpy(record, &due, sizeof due);
		if (write(job.in[0], record, job.size) != (ssize_t)job.size)
			die("write", "the connection ended");
	}
	pthread_join(taking, NULL);
	long n = job.count - skip;
	int64_t *t = job.took + skip;
	qsort(t, (size_t)n, sizeof *t, ascending);
	printf("{\"records\": %ld, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"p999_ms\": %.4f, \"max_ms\": %.4f}\n", n, (double)t[n / 2] / 1e6,
	       (double)t[n * 99 / 100] / 1e6, (double)t[n * 999 / 1000] / 1e6, (double)t[n - 1] / 1e6);
	return 0;
}
