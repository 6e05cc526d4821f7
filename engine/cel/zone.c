/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones: offsets from /usr/share/zoneinfo (TZif, RFC 8536), and the rule at the end of
 * a file for times after its last change. Files are read into the run's arena, so a condition
 * that asks for a zone reads a file each time it is evaluated; constants are folded.
 *
 * Invariant: a name cannot leave the folder, and a damaged file is "no such zone".
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "zone_rule.h"

enum { ZONE_NAME_MAX = 64, ZONE_FILE_MAX = 64 * 1024, HEADER = 44 };

static const char *const folders[] = { "/usr/share/zoneinfo", "/usr/lib/zoneinfo",
				       "/usr/share/lib/zoneinfo" };

/* Letters, digits and + - _ between slashes: no dots, so no way up. */
static bool name_is_safe(struct str zone)
{
	if (!zone.len || zone.len > ZONE_NAME_MAX || zone.data[0] == '/')
		return false;
	for (uint32_t i = 0; i < zone.len; i++) {
		char c = zone.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '-' || c == '_' || c == '/'))
			return false;
	}
	return true;
}

static struct str read_zone_file(struct cel_run *run, const char *folder, struct str zone)
{
	char path[128 + ZONE_NAME_MAX];
	autoclean(closep) int fd = -1;
	struct stat status;
	char *data;

	snprintf(path, sizeof(path), "%s/%.*s", folder, (int)zone.len, zone.data);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size < HEADER ||
	    status.st_size > ZONE_FILE_MAX)
		return (struct str){ 0 };
	data = arena_alloc(run->arena, (size_t)status.st_size);
	if (!data || read(fd, data, (size_t)status.st_size) != status.st_size)
		return (struct str){ 0 };
	return (struct str){ data, (uint32_t)status.st_size };
}

static int64_t big_endian(const char *data, uint32_t size)
{
	uint64_t value = (unsigned char)data[0] & 0x80 ? UINT64_MAX : 0;

	for (uint32_t i = 0; i < size; i++)
		value = value << 8 | (unsigned char)data[i];
	return (int64_t)value;
}

/* One block of the file: header, transition times, their types, the types. */
struct block {
	uint32_t utc, standard, leap, times, types, letters;
	uint32_t size; /* bytes of a time: 4 or 8 */
	const char *data;
	uint64_t len; /* of data */
};

static bool read_block(struct str file, uint64_t at, uint32_t size, struct block *out)
{
	const char *header = file.data + at;

	if (at + HEADER > file.len || memcmp(header, "TZif", 4) != 0)
		return false;
	out->utc = (uint32_t)big_endian(header + 20, 4);
	out->standard = (uint32_t)big_endian(header + 24, 4);
	out->leap = (uint32_t)big_endian(header + 28, 4);
	out->times = (uint32_t)big_endian(header + 32, 4);
	out->types = (uint32_t)big_endian(header + 36, 4);
	out->letters = (uint32_t)big_endian(header + 40, 4);
	out->size = size;
	out->data = header + HEADER;
	if (MAX(MAX(out->times, out->types), MAX(out->letters, out->leap)) > ZONE_FILE_MAX ||
	    MAX(out->utc, out->standard) > ZONE_FILE_MAX || !out->types)
		return false;
	out->len = (uint64_t)out->times * (size + 1) + out->types * 6 + out->letters +
		   (uint64_t)out->leap * (size + 4) + out->standard + out->utc;
	return at + HEADER + out->len <= file.len;
}

static bool type_offset(const struct block *block, uint32_t type, int32_t *offset)
{
	const char *types = block->data + (uint64_t)block->times * (block->size + 1);

	if (type >= block->types)
		return false;
	*offset = (int32_t)big_endian(types + type * 6, 4);
	return true;
}

/* Index of the last change at or before `seconds`; -1: before the first. */
static int64_t find_change(const struct block *block, int64_t seconds)
{
	int64_t low = 0, high = block->times;

	while (low < high) {
		int64_t middle = (low + high) / 2;

		if (big_endian(block->data + middle * block->size, block->size) <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

/* "\nRULE\n" behind the second block */
static struct str footer(struct str file, const struct block *block)
{
	const char *at = block->data + block->len, *end = file.data + file.len, *stop;

	if (at >= end || *at != '\n')
		return (struct str){ 0 };
	at++;
	stop = memchr(at, '\n', (size_t)(end - at));
	return stop ? (struct str){ at, (uint32_t)(stop - at) } : (struct str){ 0 };
}

static bool offset_in_file(struct str file, int64_t seconds, int32_t *offset)
{
	struct block block;
	int64_t change;
	bool wide;

	if (!read_block(file, 0, 4, &block))
		return false;
	wide = file.data[4] >= '2';
	if (wide && !read_block(file, HEADER + block.len, 8, &block))
		return false;
	change = find_change(&block, seconds);
	if (wide && change == (int64_t)block.times - 1) {
		struct str rule = footer(file, &block);

		if (rule.len)
			return zone_rule_offset(rule, seconds, offset);
	}
	if (change < 0)
		return type_offset(&block, 0, offset);
	return type_offset(
		&block,
		(unsigned char)block.data[(uint64_t)block.times * block.size + (uint64_t)change],
		offset);
}

bool zone_offset(struct cel_run *run, struct str zone, int64_t seconds, int32_t *offset)
{
	if (zone.len == 0 || str_equal(zone, STR("UTC"))) {
		*offset = 0;
		return true;
	}
	if (!name_is_safe(zone) || !cel_spend(run, 1000))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		struct str file = read_zone_file(run, folders[i], zone);

		if (file.data)
			return offset_in_file(file, seconds, offset);
	}
	return false;
}
