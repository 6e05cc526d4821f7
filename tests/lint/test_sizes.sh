# SPDX-License-Identifier: Apache-2.0
# Functions of at most 100 lines, files of less than 800.
. "$TOP/tests/lint/lint.sh"

# file:function that may be longer, with the reason beside it.
exceptions='engine/cel/vm.c:run_code		the loop of the virtual machine'

code '
# Awk reads the assignment of exceptions just before the first file.
NR == 1 {
	count = split(exceptions, row, "\n")
	for (i = 1; i <= count; i++)
		if (split(row[i], word, " "))
			excepted[word[1]] = 1
}
# The line that names a function stands at the margin and has a parenthesis; its body begins
# with a brace at the margin.
FNR == 1 { name = ""; start = 0 }
/^[A-Za-z_]/ && code ~ /\(/ {
	name = code
	if (name ~ /BPF_[A-Z_]*\(/)
		sub(/.*BPF_[A-Z_0-9]*\(/, "", name)
	sub(/[(,)].*/, "", name)
	sub(/.*[ *]/, "", name)
}
/^\{/ { start = FNR }
/^\}/ && start {
	if (FNR - start - 1 > 100 && !((FILENAME ":" name) in excepted))
		print FILENAME ":" start ": " name " has " FNR - start - 1 " lines"
	start = 0
}' exceptions="$exceptions" $(sources c h) |
	none "no function is longer than 100 lines"

wc -l $(sources c h sh) | awk '$2 != "total" && $1 >= 800 { print $2 ": " $1 " lines" }' |
	none "no file has 800 lines"

done_testing
