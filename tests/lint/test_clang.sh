# SPDX-License-Identifier: Apache-2.0
# clang accepts every user-space C file with the warnings of the build (which uses gcc).
. "$TOP/tests/lint/lint.sh"

[ -n "${CHECK_FLAGS:-}" ] || skip_all "run by make only, which knows the flags"
clang=$(command -v clang) || skip_all "no clang here: make setup"

# Generated headers are in the build folder, which may have any name.
build=$B
eval "set -- $CHECK_FLAGS -I'$build/gen'"
sources c | grep -v '\.bpf\.c$' | while read -r file; do
	# The skeletons of the benches are made by `make bench` only.
	skeleton=$(sed -n 's/^#include "\(.*\.skel\.h\)"$/\1/p' "$file")
	[ -n "$skeleton" ] && [ ! -e "$B/gen/$skeleton" ] || echo "$file"
done | xargs -P 2 -n 8 "$clang" -fsyntax-only "$@" >"$TMP/said" 2>&1
ok $? "clang has nothing to say"
head -n 100 "$TMP/said" | sed 's/^/# /'

done_testing
