# SPDX-License-Identifier: Apache-2.0
# The C sources are as `make format` leaves them. Only clang-format 14 is asked: others
# differ in details.
. "$TOP/tests/lint/lint.sh"

clang-format --version 2>/dev/null | grep -q ' version 14\.' || skip_all "no clang-format 14 here"
sources c h | xargs clang-format --dry-run 2>&1 | awk -F: '/warning:/ && !seen[$1]++ {
	print $1 ":" $2 ": run make format"
}' | none "formatting is that of clang-format"

done_testing
