# SPDX-License-Identifier: Apache-2.0
# What every source file begins with, and what public declarations carry.
. "$TOP/tests/lint/lint.sh"

for file in $(sources c h def sh); do
	licence=Apache-2.0
	case $file in bpf/* | *.bpf.c) licence='GPL-2.0-only OR BSD-2-Clause' ;; esac
	head -n 2 "$file" | grep -q -F "SPDX-License-Identifier: $licence" ||
		echo "$file: the first line is not 'SPDX-License-Identifier: $licence'"
done | none "every file names its licence"

# Within the first lines a comment of at least 20 letters besides the licence. An event's
# file is its own explanation.
for file in $(sources c h def sh | grep -v ^include/events/); do
	head -n 12 "$file" | awk '
		/SPDX-License|^#!/ { next }
		/^[ \t]*(\/\*|\*|\/\/)/ || /^#[ \t]/ {
			text = $0
			gsub(/[^A-Za-z]/, "", text)
			letters += length(text)
		}
		END { exit letters < 20 }' || echo "$file: does not say what it is for"
done | none "every file says what it is for"

# A paragraph of declarations (between blank lines) must hold a comment.
awk '
function flush() {
	if (declares && !comments)
		print FILENAME_OF ":" declares ": no comment on " what
	declares = comments = 0
}
FNR == 1 { flush(); depth = 0; macro = 0 }
{ FILENAME_OF = FILENAME }
/^[ \t]*$/ { if (!depth) flush(); next }
/\/\*|\*\// { comments = 1 }
macro { macro = /\\$/; next }
/^#/ { macro = /\\$/; next }
/^(static|typedef|extern|struct [a-z_]* \{|enum|union|DEFINE_|_Static_assert)/ { other = FNR }
/^[A-Za-z_]*[a-z][A-Za-z_]*.*\(/ && other != FNR && !declares {
	declares = FNR
	what = $0
	sub(/\(.*/, "", what)
	sub(/.*[ *]/, "", what)
}
/^\{/ || /\{$/ { depth++ }
/^\}/ { depth = 0 }
END { flush() }' $(sources h | grep -e ^include/ -e ^engine/) |
	none "every public function is explained"

done_testing
