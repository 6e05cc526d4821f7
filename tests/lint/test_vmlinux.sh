# SPDX-License-Identifier: Apache-2.0
# The committed vmlinux.h names everything the programs use: a machine without BTF can build.
. "$TOP/tests/lint/lint.sh"

command -v "${CLANG:-clang}" >/dev/null || skip_all "no clang here"
make -C "$TOP" -s B="$TMP/build" VMLINUX=committed "$TMP/build/gen/spoor.bpf.o" >"$TMP/log" 2>&1
ok $? "the programs compile with bpf/vmlinux/vmlinux.h"
sed 's/^/# /' "$TMP/log" | head -n 20

done_testing
