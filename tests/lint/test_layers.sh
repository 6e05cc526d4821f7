# SPDX-License-Identifier: Apache-2.0
# Who may include whom (README.md, "Where things are"). A row per room: the rooms it may
# include besides itself; * is all.
. "$TOP/tests/lint/lint.sh"

layers='
include
bpf             include engine/base
engine/base     include
engine/event    include engine/base
engine/cel      include engine/base
engine/filter   include engine/base engine/event
engine/policy   include engine/base engine/event engine/filter engine/detect
engine/detect   include engine/base engine/event engine/cel engine/filter engine/state
engine/state    include engine/base engine/event engine/cel
engine/store    include engine/base engine/event
engine/source   include engine/base engine/event
engine/encode   include engine/base engine/event
engine/format   include engine/base engine/event engine/encode
engine/output   include engine/base
engine/transport include engine/base engine/event
engine/delivery include engine/base engine/event engine/source
engine/serve    include engine/base
engine/config   include engine/base engine/event engine/delivery engine/options.h
engine/page     include engine/base engine/event engine/detect
engine/trigger  include engine/base
engine/repl     include engine/base engine/event engine/cel engine/detect
engine/command  include engine/base engine/options.h engine/sensor.h engine/host.h
engine/command  engine/repl engine/page engine/trigger engine/detect engine/policy engine/cel
engine/command  engine/encode engine/source engine/config engine/delivery
engine          *
'

# "file.c:12: includes engine/cel/cel.h, of another layer". Every #include "..." of a file in
# include/, bpf/ or engine/ is resolved as the compiler does: beside it, include/, engine/.
sources c h def inc >"$TMP/files"
awk -v layers="$layers" '
BEGIN {
	count = split(layers, row, "\n")
	for (i = 1; i <= count; i++) {
		words = split(row[i], word, " ")
		for (w = 2; w <= words; w++)
			allowed[word[1], word[w]] = 1
		if (words)
			room_known[word[1]] = 1
	}
	while ((getline line < ARGV[1]) > 0)
		exists[line] = 1
	close(ARGV[1])
	ARGV[1] = ""
}
function folder(path) {
	sub("/[^/]*$", "", path)
	return path
}
# the room of a file: the longest known folder above it
function room(path) {
	while ((path = folder(path)) && path ~ "/" && !(path in room_known))
		;
	return path
}
function may(from, target) {
	return from == target || (from, target) in allowed || (from, "*") in allowed
}
function resolve(name,   try) {
	try = folder(FILENAME) "/" name
	while (sub("[^/]+/\\.\\./", "", try))
		;
	if (try in exists)
		return try
	if (("include/" name) in exists)
		return "include/" name
	if (("engine/" name) in exists)
		return "engine/" name
	if (FILENAME ~ /^bpf\// && ("bpf/" name) in exists)
		return "bpf/" name
	return ""
}
/^#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	target = resolve(part[2])
	from = room(FILENAME)
	if (target == "" && part[2] ~ /\.inc$|\.skel\.h$|^vmlinux\.h$/) # generated
		next
	if (target == "")
		print FILENAME ":" FNR ": includes " part[2] ", which is nowhere"
	else if (!(from in room_known))
		print FILENAME ":" FNR ": " from "/ is not in the table of test_layers.sh"
	else if (!may(from, room(target)) && !may(from, target))
		print FILENAME ":" FNR ": includes " target ", which " from "/ must not know"
}' "$TMP/files" $(sources c h def | grep -e ^include/ -e ^bpf/ -e ^engine/) |
	none "every file includes only what its layer may know"

grep -n -e '#include <bpf/' -e '#include <linux/bpf.h>' \
	$(sources c h | grep -e ^include/ -e ^engine/) /dev/null |
	none "only bpf/ knows libbpf"

# The expression language knows no events: not even through include/.
grep -n -E '#include "(event|wire|store|source|output|format|command|each_event)\.h"' \
	$(sources c h | grep ^engine/cel/) /dev/null |
	none "engine/cel knows no events"

done_testing
