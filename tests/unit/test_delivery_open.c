/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a spool that is new, in use, older, damaged or somebody else's file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/common.h"
#include "receiver.h"

static struct receiver one;

static int setup(void **state)
{
	(void)state;
	test_folder_make("/dev/shm");
	receiver_init(&one, "one");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receiver_free(&one);
	test_folder_remove();
	return 0;
}

/* The spool is its owner's only; a second sensor is refused. */
static void test_opening(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct delivery *second = NULL;
	struct err err = { 0 };
	struct stat st;

	test_output(config, &one);
	struct delivery *delivery = test_start(config);

	assert_int_equal(stat(test_spool_path(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(delivery_open(config, delivery->host, "test", &second, &err), -EBUSY);
	assert_non_null(strstr(err.message, "in use by another sensor"));
	delivery_close(delivery);
	delivery_config_release(config);
}

/* Bytes of the spool's file, from `offset` on, are something else. */
static void overwrite(long offset, const char *text, size_t count)
{
	FILE *file = fopen(test_spool_path(), offset ? "r+" : "w");

	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	for (size_t i = 0; i < count; i++)
		fputs(text, file);
	fclose(file);
}

static void must_refuse(const char *message)
{
	static const struct host host;
	struct delivery_config *config = test_config();
	struct delivery *delivery = NULL;
	struct stat before, after;
	struct err err = { 0 };

	assert_int_equal(stat(test_spool_path(), &before), 0);
	assert_int_equal(delivery_open(config, &host, "test", &delivery, &err), -EINVAL);
	assert_non_null(strstr(err.message, test_spool_path()));
	assert_non_null(strstr(err.message, message));
	assert_non_null(strstr(err.hint, "spool"));
	assert_int_equal(stat(test_spool_path(), &after), 0);
	assert_true(before.st_ino == after.st_ino && before.st_size == after.st_size);
	delivery_config_release(config);
}

static void make_database(const char *sql)
{
	sqlite3 *db = NULL;

	unlink(test_spool_path());
	assert_int_equal(sqlite3_open(test_spool_path(), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What somebody else has written stays as it is. */
static void test_foreign_file(void **state)
{
	(void)state;
	overwrite(0, "this is no database\n", 10000);
	must_refuse("it is no spool");
	overwrite(0, "short", 1);
	must_refuse("it is no spool");
	make_database("PRAGMA application_id = 77; CREATE TABLE theirs (x)");
	must_refuse("another program");
	make_database("CREATE TABLE state (theirs)");
	must_refuse("another program");
}

/* As it was before it named its program, and had all tables. */
static void test_older_spool(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();

	make_database(
		"PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;"
		"CREATE TABLE alert (position INTEGER PRIMARY KEY, sequence, time, arrived,"
		" severity, pid, id TEXT, event TEXT, detector TEXT, process TEXT,"
		" container TEXT, policies TEXT, json TEXT);"
		"CREATE TABLE output (name TEXT PRIMARY KEY, cursor INTEGER);"
		"CREATE TABLE dead (number INTEGER PRIMARY KEY AUTOINCREMENT, output TEXT,"
		" died, attempts, reason, retry, position, sequence, time, arrived, severity,"
		" pid, id TEXT, event TEXT, detector TEXT, process TEXT, container TEXT,"
		" policies TEXT, json TEXT);"
		"CREATE TABLE state (only INTEGER PRIMARY KEY, next INTEGER, sequence INTEGER);"
		"INSERT INTO state VALUES (1, 8, 7);"
		"INSERT INTO output VALUES ('one', 6);"
		"INSERT INTO alert VALUES (7, 7, 1, 1, 1, 1,"
		" '000000000000000000000000000000000007', 'e', 'd', 'p', 'c', '', '{}');"
		"PRAGMA user_version = 1");
	test_output(config, &one);
	struct delivery *delivery = test_start(config);

	assert_int_equal(delivery_sequence(delivery), 7);
	test_put(delivery, 8, SEVERITY_LOW);
	delivery_close(delivery);
	delivery_config_release(config);
	assert_int_equal(one.count, 2);
	assert_int_equal(one.sequences[0], 7);
	assert_int_equal(one.sequences[1], 8);
}

/* How many files of the folder have this in their name. */
static unsigned count_files(const char *part)
{
	char folder[128];
	unsigned count = 0;
	struct dirent *entry;

	snprintf(folder, sizeof(folder), "%s", test_spool_path());
	*strrchr(folder, '/') = 0;
	DIR *dir = opendir(folder);

	while (dir && (entry = readdir(dir)))
		count += strstr(entry->d_name, part) != NULL;
	closedir(dir);
	return count;
}

/* One of ours that is damaged is put aside: a sensor must start. */
static void test_damaged_spool(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();

	test_output(config, &one);
	delivery_close(test_start(config));
	overwrite(100, "damage", 20000);
	struct delivery *delivery = test_start(config);

	assert_int_equal(count_files(".damaged-"), 1);
	test_put(delivery, 1, SEVERITY_LOW);
	delivery_close(delivery);
	delivery_config_release(config);
	assert_int_equal(one.count, 1);
}

/* ---- what is asked again and again must not look at every row ---------------------------- */

static const struct {
	const char *name, *sql;
} statements[] = {
#define STATEMENT(name, sql) { #name, sql },
#include "delivery/spool.def"
#undef STATEMENT
};

static void check_plan(sqlite3 *db, const char *name, const char *index)
{
	char sql[2048];
	sqlite3_stmt *plan = NULL;
	size_t i = 0;

	while (strcmp(statements[i].name, name) != 0)
		assert_true(++i < ARRAY_SIZE(statements));
	snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", statements[i].sql);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
	const char *how = (const char *)sqlite3_column_text(plan, 3);

	if (strncmp(how, "SEARCH", 6) != 0 || !strstr(how, index))
		fail_msg("%s: %s", name, how);
	assert_int_equal(sqlite3_step(plan), SQLITE_DONE);
	sqlite3_finalize(plan);
}

static void test_plans(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	sqlite3 *db = NULL;

	delivery_close(test_start(config));
	delivery_config_release(config);
	assert_int_equal(sqlite3_open(test_spool_path(), &db), SQLITE_OK);
	check_plan(db, "DEAD_MARKED", "INDEX dead_retry");
	check_plan(db, "READ", "INTEGER PRIMARY KEY");
	check_plan(db, "TRIM", "INTEGER PRIMARY KEY");
	check_plan(db, "MOVE_CURSOR", "INDEX");
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_opening, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_older_spool, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_spool, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plans, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("delivery's opening", tests, NULL, NULL);
}
