# SPDX-License-Identifier: Apache-2.0
# The folders that are registries: a file exports its struct, a detector has its test, a
# room has its README, a link leads somewhere.
. "$TOP/tests/lint/lint.sh"

for kind in 'format struct format' 'output struct output_ops' 'command struct command'; do
	folder=${kind%% *} type=${kind#* }
	for file in engine/"$folder"/*.c; do
		[ -e "$file" ] || continue
		name=$(basename "$file" .c | tr - _)
		grep -q "^const $type ${folder}_$name = {" "$file" ||
			echo "$file: must define 'const $type ${folder}_$name = {'"
	done
done | none "every format, output and command exports its struct"

# The other files of this folder are what several transports share.
for file in engine/transport/*.c; do
	[ -e "$file" ] || continue
	name=$(basename "$file" .c | tr - _)
	grep '^const struct transport ' "$file" |
		grep -v -x "const struct transport transport_$name = {" | sed "s,^,$file: ,"
done | none "a transport is called like its file"

for file in rules/detectors/*.yaml; do
	[ -e "$file" ] || continue
	name=$(basename "$file")
	[ -e "rules/detectors/tests/$name" ] || [ -e "rules/tests/$name" ] ||
		echo "$file: no test: rules/detectors/tests/$name"
done | none "every detector has a test"

for folder in $(sources c yaml | sed 's,/[^/]*$,,' | sort -u); do
	case $folder in tests/* | engine | rules/*) continue ;; esac
	[ -e "$folder/README.md" ] || echo "$folder: no README.md"
done | none "every room has a README"

for file in $(sources md) README.md; do
	[ -e "$file" ] || continue
	grep -o '](\([^)]*\))' "$file" | sed 's/^](//; s/)$//; s/#.*//' | while read -r link _; do
		case $link in '' | *://* | mailto:*) continue ;; esac
		[ -e "$(dirname "$file")/$link" ] || echo "$file: the link $link leads nowhere"
	done
done | none "links between documents lead somewhere"

for file in tests/fuzz/fuzz_*.c; do
	[ -e "$file" ] || continue
	name=$(basename "$file" .c)
	[ -d "tests/fuzz/corpus/${name#fuzz_}" ] || echo "$file: no corpus"
done | none "every fuzz target has a corpus"

# Ids of problems are documented (engine/base/diagnostic.def), and those documented are in use.
sed -n 's/^DIAGNOSTIC("\([a-z-]*\)".*/\1/p' engine/base/diagnostic.def | sort >"$TMP/known"
cat $(sources c | grep ^engine/) | tr '\n' ' ' | tr ';' '\n' >"$TMP/statements"
{
	grep -o '[.> ]rule = "[a-z-]*"' "$TMP/statements" | sed 's/.*"\(.*\)"/\1/'
	grep -o 'report_\(error\|warning\)([^"]*"[a-z-]*"' "$TMP/statements" | sed 's/.*"\(.*\)"/\1/'
	grep -o 'ERR_\(ERROR\|WARNING\), "[a-z-]*"' "$TMP/statements" | sed 's/.*"\(.*\)"/\1/'
} | sort -u >"$TMP/used"
comm -13 "$TMP/known" "$TMP/used" | none "every id of a problem is in diagnostic.def"

done_testing
