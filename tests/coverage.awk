# SPDX-License-Identifier: Apache-2.0
# Sums up what `gcov -n` says of every file: lines run, per folder and for all.
/^File '/ {
	split($0, part, "'")
	file = part[2]
}
/^Lines executed:/ && file ~ /\.c$/ && file !~ /^(\/|tests\/)/ {
	split($0, part, /[:% ]+/)
	share = part[3]
	lines = part[5]
	if (file in seen)
		next
	seen[file] = 1
	folder = file
	sub("/[^/]*$", "", folder)
	of[folder] += lines
	run[folder] += lines * share / 100
	all += lines
	all_run += lines * share / 100
	file = ""
}
END {
	if (!all)
		exit 1
	row = "%-20s %6d lines %6.1f %%\n"
	for (folder in of)
		printf row, folder, of[folder], 100 * run[folder] / of[folder] | "sort"
	close("sort")
	printf row, "all", all, 100 * all_run / all
}
