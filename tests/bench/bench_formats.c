/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one alert costs in each format, from the event in memory to the bytes of its record, and
 * what reading it back from the spool's JSON costs. The floor is copying the record's bytes.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/common.h"
#include "encode/use.h"
#include "source/alert.h"

enum { ALERTS = 20000, ROUNDS = 5, FLUSH_AT = 256 * 1024 };

static const char template_text[] =
	"{{ .Timestamp }} {{ .Name }} {{ with .Threat }}{{ .Severity }} {{ .Name }}{{ end }} "
	"{{ .Workload.Process.Thread.Name }}"
	"{{ range .Data }} {{ .Name }}={{ .Value }}{{ end }}\n";

static const char line[] =
	"{\"timestamp\":\"2026-09-20T10:11:12.345678901Z\",\"id\":7503,\"name\":\"shm_probe\","
	"\"policies\":{\"matched\":[\"default\"]},\"workload\":{\"process\":{\"executable\":{\"path\":"
	"\"/tmp/shmprobe\"},\"unique_id\":2852126720,\"host_pid\":4242,\"pid\":17,\"real_user\":{\"id\":"
	"33},\"thread\":{\"start_time\":\"2026-09-20T10:11:12.001Z\",\"name\":\"shmprobe\",\"unique_id\":"
	"2852126720,\"host_tid\":4242,\"tid\":17,\"syscall\":\"shmget\"},\"ancestors\":[{\"unique_id\":77,"
	"\"host_pid\":4001,\"pid\":9}]},\"container\":{\"id\":\"4f0c9e1d2b3a\",\"name\":\"web-1\","
	"\"image\":{\"id\":\"\",\"name\":\"docker.io/library/nginx:1.27\"},\"started\":true}},\"data\":[{"
	"\"name\":\"key\",\"int32\":1413829460},{\"name\":\"shmflg\",\"int32\":1974}],\"threat\":{"
	"\"description\":\"64 shmget calls returned EEXIST within a second\",\"mitre\":{\"tactic\":{"
	"\"name\":\"Execution\"},\"technique\":{\"id\":\"T1559\",\"name\":\"Inter-Process Communication\"}"
	"},\"severity\":3,\"name\":\"SysV shared memory key probing\"},\"host\":\"host-a\",\"sensor\":{"
	"\"name\":\"spoor\",\"version\":\"1.2.3\"},\"machine_id\":\"6c1f0c9a3c2e4b0f9a3d6e1b2a4c5d6e\","
	"\"boot_id\":\"88a1f0ed-5ae5-41ee-af6b-41921c311872\",\"addresses\":[\"192.0.2.7\"],\"alert\":{"
	"\"id\":\"0198f2d4-7c1e-7b3a-9c55-2f0e6a1b9d10\",\"sequence\":29,\"rule\":{\"id\":\"TRC-1\","
	"\"version\":\"1.0.0\"},\"source\":\"shmget\"},\"seq\":1234,\"cpu\":1,\"euid\":33,\"gid\":33,"
	"\"loginuid\":1000,\"cgroup_id\":4711,\"hook\":\"fentry\"}\n";

static double now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double best(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

static double copy_ns(const char *data, size_t len)
{
	static struct buf copy;
	double start = now_ns();

	for (uint32_t i = 0; i < ALERTS; i++) {
		if (copy.len > FLUSH_AT)
			buf_clear(&copy);
		buf_add(&copy, data, len);
		__asm__ volatile("" ::: "memory");
	}
	return (now_ns() - start) / ALERTS;
}

static void report(const char *what, double ns, double floor_ns, size_t bytes)
{
	printf("%-22s %7.0f ns  %5zu bytes  %6.1f x memcpy (%.1f ns)\n", what, ns, bytes,
	       ns / floor_ns, floor_ns);
}

static void measure(const struct format_use *use, const struct alert *alert)
{
	static struct buf out;
	double ns = 0, floor_ns = 0;
	size_t bytes = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();

		for (uint32_t i = 0; i < ALERTS; i++) {
			if (out.len > FLUSH_AT)
				buf_clear(&out);
			format_use_write(use, &out, &alert->event, &alert->options);
		}
		ns = best(ns, (now_ns() - start) / ALERTS);
		buf_clear(&out);
		format_use_write(use, &out, &alert->event, &alert->options);
		bytes = out.len;
		floor_ns = best(floor_ns, copy_ns(out.data, bytes));
	}
	report(use->format->name, ns, floor_ns, bytes);
}

static void measure_read(void)
{
	static struct arena arena;
	double ns = 0;
	struct alert alert;
	struct err err = { 0 };

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();

		for (uint32_t i = 0; i < ALERTS; i++) {
			alert_read(&arena, (struct str){ line, sizeof(line) - 1 }, &alert, &err);
			arena_reset(&arena);
		}
		ns = best(ns, (now_ns() - start) / ALERTS);
	}
	report("reading it back", ns, copy_ns(line, sizeof(line) - 1), sizeof(line) - 1);
	arena_free(&arena);
}

/* A template of its own file, which is gone when this returns. */
static int open_use(struct format_use *use, const struct format *format)
{
	char path[] = "/tmp/spoor-bench-XXXXXX";
	int fd = mkstemp(path);
	struct setting_pair file = { STR("file"), str_of(path) };
	struct err err = { 0 };
	bool template = !strcmp(format->name, "template");
	ssize_t written = fd < 0 ? -1 : write(fd, template_text, sizeof(template_text) - 1);
	int r = written < 0 ? -1 : format_use_open(use, format, &file, template, NULL, &err);

	close(fd);
	unlink(path);
	return r;
}

int main(void)
{
	static struct arena arena;
	struct alert alert;
	struct err err = { 0 };

	if (alert_read(&arena, (struct str){ line, sizeof(line) - 1 }, &alert, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	for (size_t i = 0; formats[i]; i++) {
		struct format_use use;

		if (open_use(&use, formats[i]) < 0)
			return 1;
		measure(&use, &alert);
		format_use_close(&use);
	}
	measure_read();
	arena_free(&arena);
	return 0;
}
