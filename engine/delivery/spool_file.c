/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool's file: who may read it, whose it is, that only one process delivers from it. What
 * another program has written is never changed, moved or added to.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/common.h"
#include "delivery/spool_private.h"

int spool_fail_open(const char *path, int code, const char *what, struct err *err)
{
	err_set(err, code, "cannot open the spool %s: %s", path, what);
	if (code == -ENOENT)
		err_hint(err,
			 "the directory must exist, and this user must be able to write to it");
	else if (code == -EBADMSG)
		err_hint(err, "the file is damaged");
	return code;
}

/*
 * A file that is there is not opened here: closing it would take the locks away that this process
 * has on it.
 */
int spool_make_file(const char *path, struct err *err)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	autoclean(closep) int fd = open(path, flags, 0600);
	struct stat st;

	if (fd >= 0)
		return 0;
	if (errno != EEXIST || lstat(path, &st) < 0 ||
	    (S_ISREG(st.st_mode) && access(path, R_OK | W_OK) < 0))
		return spool_fail_open(path, -errno, strerror(errno), err);
	return S_ISREG(st.st_mode) ? 0
				   : spool_fail_open(path, -EINVAL, "it is no regular file", err);
}

int spool_lock(const char *path, int *fd, struct err *err)
{
	char name[ERR_PATH_MAX];

	snprintf(name, sizeof(name), "%s.lock", path);
	autoclean(closep) int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (lock < 0)
		return spool_fail_open(name, -errno, strerror(errno), err);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		err_set(err, -EBUSY, "the spool %s is in use by another sensor", path);
		err_hint(err, "give each sensor a spool of its own: spool: {path: FILE}");
		return -EBUSY;
	}
	*fd = lock;
	lock = -1;
	return 0;
}

/* ---- whose it is ------------------------------------------------------------------- */

enum owner {
	OWNER_NONE,    /* the file is empty */
	OWNER_OURS,    /* its head says so, whatever else is in it */
	OWNER_UNNAMED, /* a database that does not say */
	OWNER_OTHER
};

/* From the head of an SQLite file: its magic, and at byte 68 what program it belongs to. */
static enum owner find_owner(sqlite3 *db)
{
	enum { APPLICATION_AT = 68, HEAD_LEN = 100 };
	static const char magic[16] = "SQLite format 3";
	unsigned char head[HEAD_LEN], *id = head + APPLICATION_AT;
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
	    !file || !file->pMethods || file->pMethods->xFileSize(file, &size) != SQLITE_OK ||
	    !size)
		return OWNER_NONE; /* what cannot be read, using it tells */
	if (size < HEAD_LEN || file->pMethods->xRead(file, head, HEAD_LEN, 0) != SQLITE_OK ||
	    memcmp(head, magic, sizeof(magic)) != 0)
		return OWNER_OTHER;
	uint32_t application = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 |
			       (uint32_t)id[2] << 8 | id[3];

	if (application == SPOOL_APPLICATION)
		return OWNER_OURS;
	return application ? OWNER_OTHER : OWNER_UNNAMED;
}

static int refuse(const char *path, const char *what, struct err *err)
{
	spool_fail_open(path, -EINVAL, what, err);
	err_hint(err, "move the file away, or name another one: spool: {path: FILE}");
	return -EINVAL;
}

/* Spools that were made before they were named have our tables; a new file has none. */
static int check_tables(struct spool *spool, const char *path, struct err *err)
{
	int64_t all = 0, ours = 0;
	int code = spool_read_number(spool, "SELECT count(*) FROM sqlite_schema", &all);

	if (code == 0)
		code = spool_read_number(spool,
					 "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
					 " AND name IN ('alert', 'dead', 'output', 'state')",
					 &ours);
	if (code == -EBADMSG)
		return refuse(path, "it is no spool, or damaged", err);
	if (code < 0)
		return spool_fail_open(path, code, spool_error(spool), err);
	return all && ours < 4 ? refuse(path, "it is a database of another program", err) : 0;
}

int spool_check_owner(struct spool *spool, const char *path, struct err *err)
{
	switch (find_owner(spool->db)) {
	case OWNER_OTHER: break;
	case OWNER_UNNAMED: return check_tables(spool, path, err);
	case OWNER_NONE:
	case OWNER_OURS: return 0;
	}
	int64_t any = 0;

	return refuse(path,
		      spool_read_number(spool, "PRAGMA user_version", &any) == 0
			      ? "it is a database of another program"
			      : "it is no spool of this program",
		      err);
}
