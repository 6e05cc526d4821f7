# SPDX-License-Identifier: Apache-2.0
# Tabs, 100 columns, clean ends.
. "$TOP/tests/lint/lint.sh"

# A string stands on one line, however long, so that it can be searched for.
awk '
{
	text = $0
	gsub(/\\"/, "", text)
	gsub(/"[^"]*"/, "\"\"", text)
	width = 0
	for (i = 1; i <= length(text); i++)
		width += substr(text, i, 1) == "\t" ? 8 - width % 8 : 1
	if (width > 100)
		print FILENAME ":" FNR ": " width " columns"
}' $(sources c h sh) | none "no line is longer than 100 columns"

grep -n -E '^ +[^ *]' $(sources c h) | grep -v -E ':[0-9]+: {1,7}[^ ]' |
	none "indentation is by tabs"

grep -n -E '[ 	]+$' $(sources c h def sh mk yaml md) Makefile | cut -c 1-100 |
	none "no spaces at the end of a line"

for file in $(sources c h def sh mk yaml md); do
	[ -z "$(tail -c 1 "$file")" ] || echo "$file: no end of line at the end"
	! grep -q "$(printf '\r')" "$file" || echo "$file: has carriage returns"
done | none "files end with an end of line and have no carriage returns"

done_testing
