# SPDX-License-Identifier: Apache-2.0
# The checks find what they are for: each is run over a small tree that breaks every rule.
. "$TOP/tests/tap.sh"

bad=$TMP/bad
mkdir -p "$bad/engine/cel" "$bad/engine/event" "$bad/engine/format" "$bad/rules/detectors" \
	"$bad/include" "$bad/tests/fuzz"
cp -r "$TOP/tests/lint" "$TOP/tests/tap.sh" "$bad/tests/"
: >"$bad/Makefile"

echo '/* SPDX-License-Identifier: Apache-2.0 */' >"$bad/include/event.h"
cat >>"$bad/include/event.h" <<'C'
/* What the engine knows of an event, and nothing else. */

int event_unexplained(void);
C
{
	sed 's/LATER/TO''DO/; s/@$/ /' <<'C'
#include "event.h"
#include "nowhere.h"
#include <bpf/libbpf.h>
int poke(char *out)
{
#ifdef DEBUG
	strcpy(out, "goto is a word in this string");
#endif
        goto out;
	return 0; /* LATER: strcat(out) in a comment */@
}
static int long_one(void)
{
C
	awk 'BEGIN { for (i = 0; i < 800; i++) print "\tcalls(\"a\");" }'
	printf '}\n/*%0100d*/' 1
} >"$bad/engine/cel/bad.c"
echo '#include "../cel/bad.h"' >"$bad/engine/event/bad.c"
: >"$bad/engine/cel/bad.h"
: >"$bad/engine/format/odd-one.c"
: >"$bad/rules/detectors/untested.yaml"
: >"$bad/tests/fuzz/fuzz_poor.c"
echo '[gone](gone.md)' >"$bad/engine/README.md"

mkdir "$TMP/inner"
for check in layers sizes words comments text registry; do
	TOP=$bad TMP=$TMP/inner sh "$TOP/tests/lint/test_$check.sh"
done >"$TMP/found" 2>&1

while read -r line; do
	grep -q -F -e "$line" "$TMP/found"
	ok $? "finds: $line"
done <<'EXPECTED'
engine/cel/bad.c:1:#include "event.h"
engine/cel/bad.c:2: includes nowhere.h, which is nowhere
engine/cel/bad.c:3:#include <bpf/libbpf.h>
engine/event/bad.c:1: includes engine/cel/bad.h, which engine/event/ must not know
engine/cel/bad.c:13: long_one has 800 lines
engine/cel/bad.c: 814 lines
engine/cel/bad.c:7: calls strcpy
engine/cel/bad.c:9: goto
engine/cel/bad.c:6: #ifdef DEBUG
engine/cel/bad.c:10:	return 0; /* TO
engine/cel/bad.c: the first line is not 'SPDX
engine/cel/bad.c: does not say what it is for
include/event.h:4: no comment on event_unexplained
engine/cel/bad.c:815: 104 columns
engine/cel/bad.c:9:        goto out;
engine/cel/bad.c: no end of line at the end
engine/format/odd-one.c: must define 'const struct format format_odd_one = {'
rules/detectors/untested.yaml: no test
engine/cel: no README.md
engine/README.md: the link gone.md leads nowhere
tests/fuzz/fuzz_poor.c: no corpus
EXPECTED
[ "$(grep -c 'calls str' "$TMP/found")" = 1 ]
ok $? "words in comments and strings are no calls"

done_testing
