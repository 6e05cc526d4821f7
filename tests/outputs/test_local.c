/* SPDX-License-Identifier: Apache-2.0 */
/* The transports that stay on the host: file, program, the journal's socket. */
#include "outlets.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/spoor-local-XXXXXX";

static char *in_folder(char *out, const char *format, const char *name)
{
	snprintf(out, 256, "%s%s/%s", format, folder, name);
	return out;
}

static char *contents(const char *name)
{
	static char text[1 << 20];
	char path[256];
	FILE *file = fopen(in_folder(path, "", name), "r");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	text[len] = 0;
	return text;
}

static unsigned lines(const char *text)
{
	unsigned count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

/* ---- file -------------------------------------------------------------------------------- */

static void test_appends(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	char path[256];
	struct transport_record *records = records_make("%u", 1, 3);
	static const char *const syncs[] = { "sync=batch", "sync=interval", "sync=never" };

	for (int i = 0; i < 3; i++) {
		outlet_must_open(&outlet, "file", NULL,
				 SETTINGS(in_folder(path, "path=", "appends"), syncs[i]));
		assert_true(outlet_deliver(&outlet, records, 3, 2, 1000, 5, &tally));
		outlet_close(&outlet);
		for (int n = 0; n < 3; n++)
			records[n].result = DELIVERY_RETRY;
	}
	assert_string_equal(contents("appends"), "1\n2\n3\n1\n2\n3\n1\n2\n3\n");
	records_free(records, 3);
}

static void test_rotates(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	char path[256], all[4096] = "";
	struct transport_record *records = records_make("record %03u", 1, 50);

	/* 11 bytes a line: 9 lines a file. */
	outlet_must_open(&outlet, "file", NULL,
			 SETTINGS(in_folder(path, "path=", "rotates"), "max_size=100", "keep=10"));
	assert_true(outlet_deliver(&outlet, records, 50, 20, 1000, 5, &tally));
	outlet_close(&outlet);
	for (int i = 5; i >= 1; i--) {
		char name[32];

		snprintf(name, sizeof(name), "rotates.%d", i);
		assert_int_equal(lines(contents(name)), 9);
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s", contents(name));
	}
	snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s", contents("rotates"));
	assert_int_equal(lines(all), 50);
	for (unsigned i = 1; i <= 50; i++) {
		char line[16];

		snprintf(line, sizeof(line), "record %03u\n", i);
		assert_memory_equal(all + (i - 1) * 11, line, 11);
	}
	records_free(records, 50);
}

static void test_keeps_few(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	char path[256];
	struct stat found;
	struct transport_record *records = records_make("record %03u", 1, 50);

	outlet_must_open(
		&outlet, "file", NULL,
		SETTINGS(in_folder(path, "path=", "few"), "max_size=100", "keep=2", "mode=0600"));
	assert_true(outlet_deliver(&outlet, records, 50, 50, 1000, 5, &tally));
	outlet_close(&outlet);
	assert_int_equal(stat(in_folder(path, "", "few.2"), &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	assert_int_equal(stat(in_folder(path, "", "few.3"), &found), -1);
	records_free(records, 50);
}

/* logrotate moves the file away: the next records go to a new one. */
static void test_moved(void **state)
{
	(void)state;
	struct outlet outlet;
	struct transport_batch batch;
	char path[256], other[256];
	struct transport_record *records = records_make("%u", 1, 1);

	outlet_must_open(&outlet, "file", NULL, SETTINGS(in_folder(path, "path=", "moved")));
	outlet_once(&outlet, records, 1, &batch, 1000);
	assert_int_equal(rename(in_folder(path, "", "moved"), in_folder(other, "", "away")), 0);
	outlet_once(&outlet, records, 1, &batch, 1000);
	outlet_close(&outlet);
	assert_string_equal(contents("away"), "1\n");
	assert_string_equal(contents("moved"), "1\n");
	records_free(records, 1);
}

/* A line cut short by a crash was never confirmed: it goes, and comes again whole. */
static void test_torn(void **state)
{
	(void)state;
	struct outlet outlet;
	struct transport_batch batch;
	char path[256];
	struct transport_record *records = records_make("%u", 1, 1);
	FILE *file = fopen(in_folder(path, "", "torn"), "w");

	fputs("whole\nhal", file);
	fclose(file);
	outlet_must_open(&outlet, "file", NULL, SETTINGS(in_folder(path, "path=", "torn")));
	outlet_once(&outlet, records, 1, &batch, 1000);
	outlet_close(&outlet);
	assert_string_equal(contents("torn"), "whole\n1\n");
	records_free(records, 1);
}

/* The disk is full in the middle of a record: what is whole counts, the rest comes again. */
static void test_full(void **state)
{
	(void)state;
	struct outlet outlet;
	struct transport_batch batch;
	struct outlet_tally tally;
	struct rlimit before, small;
	char path[256], expected[512] = "";
	struct transport_record *records = records_make("record %03u", 1, 20);

	outlet_must_open(&outlet, "file", NULL, SETTINGS(in_folder(path, "path=", "full")));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){ 50, before.rlim_max }; /* four lines and a half */
	setrlimit(RLIMIT_FSIZE, &small);
	int r = outlet_once(&outlet, records, 20, &batch, 1000);
	int again = outlet_once(&outlet, records + 4, 16, &batch, 1000);

	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(again, -EFBIG);
	for (int i = 0; i < 20; i++)
		assert_int_equal(records[i].result, i < 4 ? DELIVERY_DONE : DELIVERY_RETRY);
	assert_non_null(strstr(batch.answer, "File too large"));
	assert_true(outlet_deliver(&outlet, records, 20, 20, 1000, 5, &tally));
	outlet_close(&outlet);
	for (unsigned i = 1; i <= 20; i++)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
			 "record %03u\n", i);
	assert_string_equal(contents("full"), expected);
	records_free(records, 20);
}

/* A pipe whose reader is slow, then gone. */
static void test_fifo(void **state)
{
	(void)state;
	struct outlet outlet;
	struct transport_batch batch;
	char path[256], text[4096];
	struct transport_record *records = records_make("%01000u", 1, 200);

	assert_int_equal(mkfifo(in_folder(path, "", "fifo"), 0600), 0);
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	outlet_must_open(&outlet, "file", NULL, SETTINGS(in_folder(path, "path=", "fifo")));
	assert_int_equal(outlet_once(&outlet, records, 200, &batch, 100), -ETIMEDOUT);
	assert_int_equal(records[0].result, DELIVERY_DONE);
	assert_int_equal(records[199].result, DELIVERY_RETRY);
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
	assert_int_equal(outlet_once(&outlet, records, 1, &batch, 100), -EPIPE);
	outlet_close(&outlet);
	records_free(records, 200);
}

static void test_file_settings(void **state)
{
	(void)state;
	outlet_must_refuse("file", NULL, "no permissions", SETTINGS("path=/tmp/x", "mode=rw"));
	outlet_must_refuse("file", NULL, "old files", SETTINGS("path=/tmp/x", "keep=1001"));
	outlet_must_refuse("file", NULL, "Is a directory", SETTINGS("path=/tmp"));
	outlet_must_refuse("file", NULL, "No such file", SETTINGS("path=/nowhere/x"));
}

/* ---- program ----------------------------------------------------------------------------- */

static void test_program(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	char command[256];
	struct transport_record *records = records_make("line %u", 1, 500);

	snprintf(command, sizeof(command), "command=cat >%s/program", folder);
	outlet_must_open(&outlet, "program", NULL,
			 SETTINGS("command=/bin/sh", "command=-c", command));
	assert_true(outlet_deliver(&outlet, records, 500, 100, 1000, 5, &tally));
	outlet_close(&outlet); /* waits for its end */
	assert_int_equal(lines(contents("program")), 500);
	records_free(records, 500);
}

/*
 * It ends after each line: what was written counts, it is started again, its last words are
 * told.
 */
static void test_program_ends(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	char command[256];
	struct transport_record *records = records_make("line %u", 1, 4);

	snprintf(command, sizeof(command),
		 "command=read -r line; echo \"$line\" >>%s/ends; echo gone >&2; exit 3", folder);
	outlet_must_open(&outlet, "program", NULL,
			 SETTINGS("command=/bin/sh", "command=-c", command, "restart_wait=1ms",
				  "restart_wait_max=5ms"));
	assert_true(outlet_deliver(&outlet, records, 4, 1, 1000, 10, &tally));
	assert_int_equal(tally.done, 4);
	outlet_close(&outlet);
	records_free(records, 4);

	/* One that ends at once takes nothing in the end, and says why. */
	struct transport_batch batch = { 0 };
	struct transport_record *big = records_make("%0200000u", 1, 1);

	outlet_must_open(&outlet, "program", NULL,
			 SETTINGS("command=/bin/sh", "command=-c",
				  "command=echo no license >&2; exit 7", "restart_wait=10s"));
	assert_true(outlet_once(&outlet, big, 1, &batch, 2000) < 0);
	assert_int_equal(big[0].result, DELIVERY_RETRY);
	assert_non_null(strstr(batch.answer, "ended with status 7: no license"));
	assert_int_equal(outlet_once(&outlet, big, 1, &batch, 100), 0);
	assert_true(batch.retry_after_ms > 5000);
	outlet_close(&outlet);
	records_free(big, 1);
}

static void test_program_stuck(void **state)
{
	(void)state;
	struct outlet outlet;
	struct transport_batch batch;
	struct transport_record *big = records_make("%0200000u", 1, 2);

	outlet_must_open(&outlet, "program", NULL, SETTINGS("command=/bin/sleep", "command=100"));
	assert_int_equal(outlet_once(&outlet, big, 2, &batch, 100), -ETIMEDOUT);
	assert_int_equal(big[0].result, DELIVERY_RETRY);
	assert_non_null(strstr(batch.answer, "does not read"));
	outlet_close(&outlet);
	outlet_must_refuse("program", NULL, "is no path", SETTINGS("command=cat"));
	outlet_must_refuse("program", NULL, "cannot run", SETTINGS("command=/no/such/program"));
	records_free(big, 2);
}

/* ---- journald ---------------------------------------------------------------------------- */

/* The bytes of one entry: a datagram, or the sealed file whose descriptor came. */
static ssize_t entry_receive(int fd, char *out, size_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { out, size };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(fd, &message, 0);
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	int file;

	if (!rights)
		return len;
	memcpy(&file, CMSG_DATA(rights), sizeof(file));
	assert_int_equal(fcntl(file, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	len = pread(file, out, size, 0);
	close(file);
	return len;
}

/* Finds a field as systemd's documentation says fields are written. */
static bool field(const char *entry, size_t len, const char *name, const char **value, size_t *size)
{
	const char *at = entry, *end = entry + len;

	while (at < end) {
		size_t n = strcspn(at, "=\n");
		bool wanted = n == strlen(name) && !memcmp(at, name, n);

		at += n;
		if (*at++ == '=') {
			*value = at;
			at = memchr(at, '\n', (size_t)(end - at));
			assert_non_null(at);
			*size = (size_t)(at - *value);
		} else {
			uint64_t binary;

			memcpy(&binary, at, sizeof(binary));
			*value = at + sizeof(binary);
			*size = (size_t)le64toh(binary);
			at = *value + *size;
			assert_true(at < end && *at == '\n');
		}
		at++;
		if (wanted)
			return true;
	}
	return false;
}

static void field_is(const char *entry, ssize_t len, const char *name, const char *expected)
{
	const char *value;
	size_t size;

	assert_true(field(entry, (size_t)len, name, &value, &size));
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(value, expected, size);
}

static void test_journald(void **state)
{
	(void)state;
	static char entry[1 << 21];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct outlet outlet;
	struct transport_batch batch;
	char setting[256];
	struct transport_record *records = records_make("{\"n\":%u}", 7, 1);
	struct transport_record *large = records_make("%01000000u", 8, 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	in_folder(address.sun_path, "", "journal");
	in_folder(setting, "socket=", "journal");
	outlet_must_open(&outlet, "journald", NULL,
			 SETTINGS(setting, "fields=SITE: a\nMESSAGE=forged"));
	assert_true(outlet_once(&outlet, records, 1, &batch, 100) < 0); /* not there yet */
	assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
	assert_int_equal(outlet_once(&outlet, records, 1, &batch, 1000), 0);
	assert_int_equal(records[0].result, DELIVERY_DONE);
	ssize_t len = entry_receive(fd, entry, sizeof(entry));

	field_is(entry, len, "MESSAGE", "{\"n\":7}");
	field_is(entry, len, "PRIORITY", "4");
	field_is(entry, len, "SYSLOG_IDENTIFIER", "spoor");
	field_is(entry, len, "SPOOR_ID", "id-7");
	field_is(entry, len, "SPOOR_EVENT", "shm_probe");
	field_is(entry, len, "SPOOR_SEQUENCE", "7");
	field_is(entry, len, "SITE", "a\nMESSAGE=forged");
	assert_int_equal(outlet_once(&outlet, large, 1, &batch, 1000), 0);
	assert_int_equal(large[0].result, DELIVERY_DONE);
	len = entry_receive(fd, entry, sizeof(entry));
	field_is(entry, len, "MESSAGE", large[0].bytes.data);

	/* journald is restarted: its socket is another. */
	close(fd);
	unlink(address.sun_path);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
	outlet_once(&outlet, records, 1, &batch, 1000);
	assert_int_equal(outlet_once(&outlet, records, 1, &batch, 1000), 0);
	outlet_close(&outlet);
	close(fd);
	outlet_must_refuse("journald", NULL, "field of the journal", SETTINGS("fields=_PID: 1"));
	outlet_must_refuse("journald", NULL, "field of the journal", SETTINGS("fields=site: 1"));
	records_free(records, 1);
	records_free(large, 1);
}

static int remove_folder(void **state)
{
	char command[64];
	pid_t pid = fork();

	(void)state;
	snprintf(command, sizeof(command), "%s", folder);
	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", command, NULL);
		_exit(1);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends),	      cmocka_unit_test(test_rotates),
		cmocka_unit_test(test_keeps_few),     cmocka_unit_test(test_moved),
		cmocka_unit_test(test_torn),	      cmocka_unit_test(test_full),
		cmocka_unit_test(test_fifo),	      cmocka_unit_test(test_file_settings),
		cmocka_unit_test(test_program),	      cmocka_unit_test(test_program_ends),
		cmocka_unit_test(test_program_stuck), cmocka_unit_test(test_journald),
	};

	if (!mkdtemp(folder))
		return 1;
	return cmocka_run_group_tests(tests, NULL, remove_folder);
}
