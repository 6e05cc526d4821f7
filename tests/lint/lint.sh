# SPDX-License-Identifier: Apache-2.0
# For the lint scripts: which files there are, C without comments and strings, and a test that
# passes if a check has found nothing.
. "$TOP/tests/tap.sh"
cd "$TOP" || exit 1

# sources SUFFIX...: our files with one of the suffixes, sorted; generated ones are in build*/.
sources() {
	for suffix; do
		find include bpf engine rules tests contrib -type f -name "*.$suffix" 2>/dev/null
	done | sort
}

# none NAME: standard input is what a check found, a line each
none() {
	found=$(cat)
	[ -z "$found" ]
	ok $? "$1"
	[ -z "$found" ] || printf '%s\n' "$found" | sed 's/^/# /'
}

# code AWK-PROGRAM FILE...: runs the program on every line; `code` is the line without its
# comments and the contents of its strings and characters.
code() {
	program=$1
	shift
	awk '
	function strip(text,   out, c, two, i) {
		out = ""
		for (i = 1; i <= length(text); i++) {
			c = substr(text, i, 1)
			two = substr(text, i, 2)
			if (in_comment) {
				if (two == "*/") {
					in_comment = 0
					i++
				}
			} else if (quote) {
				if (c == "\\")
					i++
				else if (c == quote) {
					quote = ""
					out = out c
				}
			} else if (two == "/*") {
				in_comment = 1
				i++
			} else if (two == "//") {
				break
			} else {
				if (c == "\"" || c == "'\''")
					quote = c
				out = out c
			}
		}
		if (quote && text !~ /\\$/)
			quote = ""
		return out
	}
	FNR == 1 { in_comment = 0; quote = "" }
	{ code = strip($0) }
	'"$program" "$@"
}
