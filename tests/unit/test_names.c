/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as names, and back. Expected numbers are those of the kernel's uapi headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "event.h"
#include "event/names.h"

static void check(const char *group, uint64_t number, const char *expected)
{
	const struct names *names = names_find(group);
	struct buf buf = { 0 };
	uint64_t back = ~0ULL;

	assert_non_null(names);
	names_write(&buf, names, number);
	assert_string_equal(buf_cstr(&buf), expected);
	assert_int_equal(names_parse(names, str_of(expected), &back), 0);
	assert_int_equal(back, number & 0xffffffff);
	buf_free(&buf);
}

static void test_flags(void **state)
{
	(void)state;
	check("get_flags", IPC_CREAT | IPC_EXCL | 0600, "IPC_CREAT|IPC_EXCL|0600");
	check("get_flags", 01666, "IPC_CREAT|0666");
	check("get_flags", 0, "0");
	check("get_flags", 0600, "0600");
	check("get_flags", IPC_CREAT, "IPC_CREAT");
	check("get_flags", IPC_CREAT | 01, "IPC_CREAT|0001");
	check("get_flags", IPC_CREAT | IPC_NOWAIT | 0x40000000 | 0644,
	      "IPC_CREAT|IPC_NOWAIT|0644|0x40000000");
	/* A negative int32. */
	check("get_flags", (uint64_t)(int64_t)(int32_t)0x80000000, "0x80000000");
	check("shmget_flags", IPC_CREAT | SHM_HUGETLB | SHM_NORESERVE | 0600,
	      "IPC_CREAT|SHM_HUGETLB|SHM_NORESERVE|0600");
	check("shmget_flags", SHM_HUGETLB | 21u << 26, "SHM_HUGETLB|SHM_HUGE_2MB");
	check("shmget_flags", SHM_HUGETLB | 34u << 26, "SHM_HUGETLB|SHM_HUGE_16GB");
	check("shmget_flags", 17u << 26, "0x44000000");
	check("shmat_flags", SHM_RDONLY | SHM_EXEC, "SHM_RDONLY|SHM_EXEC");
	check("shmat_flags", SHM_RND | SHM_REMAP, "SHM_RND|SHM_REMAP");
	check("shmat_flags", 0600, "0x180");
	check("msg_flags", IPC_NOWAIT | MSG_NOERROR | MSG_EXCEPT | MSG_COPY,
	      "IPC_NOWAIT|MSG_NOERROR|MSG_EXCEPT|MSG_COPY");
	check("msg_flags", 0, "0");
}

static void test_commands(void **state)
{
	(void)state;
	check("msgctl_cmd", IPC_RMID, "IPC_RMID");
	check("msgctl_cmd", IPC_RMID | 0x100, "IPC_RMID|IPC_64");
	check("msgctl_cmd", IPC_STAT | 0x100, "IPC_STAT|IPC_64");
	check("msgctl_cmd", MSG_STAT, "MSG_STAT");
	check("msgctl_cmd", 99, "0x63");
	check("msgctl_cmd", 99 | 0x100, "IPC_64|0x63");
	check("shmctl_cmd", SHM_LOCK, "SHM_LOCK");
	check("shmctl_cmd", SHM_STAT_ANY, "SHM_STAT_ANY");
	check("semctl_cmd", SETALL, "SETALL");
	check("semctl_cmd", SEM_STAT, "SEM_STAT");
	check("ipc_call", 21, "SHMAT");
	check("ipc_call", 21 | 1 << 16, "SHMAT|0x10000");
	check("ipc_call", 0, "0");
}

static void test_keys_and_modes(void **state)
{
	(void)state;
	check("ipc_key", IPC_PRIVATE, "IPC_PRIVATE");
	check("ipc_key", 1234567, "0x0012d687");
	check("ipc_key", (uint64_t)(int64_t)-559038737, "0xdeadbeef");
	check("ipc_mode", 0666, "0666");
	check("ipc_mode", 03600, "SHM_DEST|SHM_LOCKED|0600");
	check("ipc_mode", 0, "0");
	check("file_type", S_IFCHR, "S_IFCHR");
	check("file_type", S_IFREG | 0755, "S_IFREG|S_IRWXU|S_IRGRP|S_IXGRP|S_IROTH|S_IXOTH");
	check("file_type", S_IFSOCK, "S_IFSOCK");
	check("file_type", S_IFBLK, "S_IFBLK");
	check("file_type", 0, "");
}

static void refuse(const char *group, const char *text)
{
	uint64_t untouched = 42;

	assert_int_equal(names_parse(names_find(group), str_of(text), &untouched), -EINVAL);
	assert_int_equal(untouched, 42);
}

static void test_refused(void **state)
{
	(void)state;
	refuse("get_flags", "");
	refuse("get_flags", "IPC_CREATE");
	refuse("get_flags", "IPC_CREAT|");
	refuse("get_flags", "|0600");
	refuse("get_flags", "0900");
	refuse("get_flags", "0x");
	refuse("get_flags", "0x1ffffffff");
	refuse("get_flags", "12");
	refuse("get_flags", "IPC_RMID");
	assert_null(names_find("raw"));
	assert_null(names_find(NULL));
}

/* Every FIELD row's names exist, on a type they make sense for. */
static void test_rows_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++)
		for (unsigned f = 0; f < event_table[i].field_count; f++) {
			const struct event_field *field = &event_table[i].fields[f];

			if (strcmp(field->names, "raw") == 0)
				continue;
			assert_non_null(names_find(field->names));
			assert_true(field->type == FIELD_i32 || field->type == FIELD_u32 ||
				    field->type == FIELD_u16 || field->type == FIELD_i64 ||
				    field->type == FIELD_u64 ||
				    strcmp(field->names, "bpf_helpers") == 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_keys_and_modes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_rows_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
