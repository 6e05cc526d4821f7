# SPDX-License-Identifier: Apache-2.0
# Words that must not stand in our C.
. "$TOP/tests/lint/lint.sh"

# The poisoned functions of base/common.h and those that need care nobody takes, everywhere:
# common.h guards only the files that include it.
code '
NR == 1 {
	count = split("strcpy strcat stpcpy strncpy strncat sprintf vsprintf gets atoi atol " \
		"atoll atof strtok alloca system popen tmpnam mktemp rand srand", name, " ")
	for (i = 1; i <= count; i++)
		banned[name[i]] = 1
}
{
	text = code
	while (match(text, /[A-Za-z_][A-Za-z_0-9]*[ \t]*\(/)) {
		word = substr(text, RSTART, RLENGTH - 1)
		before = RSTART > 1 ? substr(text, RSTART - 1, 1) : ""
		sub(/[ \t]+$/, "", word)
		if (word in banned && before != "." && before != ">")
			print FILENAME ":" FNR ": calls " word
		text = substr(text, RSTART + RLENGTH)
	}
}' $(sources c h) | none "no banned function is called"

# The virtual machine's computed goto is another thing.
code 'code ~ /(^|[^A-Za-z_0-9])goto[ \t]+[^* \t]/ { print FILENAME ":" FNR ": goto" }' \
	$(sources c h | grep -v '^bpf/.*\.bpf\.') | none "no goto in user space"

code '
FNR == 1 { inside = 0 }
/^\{/ { inside = 1 }
/^\}/ { inside = 0 }
inside && /^#[ \t]*(if|el)/ { print FILENAME ":" FNR ": " $0 }
' $(sources c h | grep -v '^bpf/.*\.bpf\.') | none "no #if in the body of a function"

grep -n -w -E 'TODO|FIXME|XXX|HACK' $(sources c h def sh yaml mk | grep -v /test_words.sh) |
	none "nothing is left for later"

done_testing
