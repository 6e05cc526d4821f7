# SPDX-License-Identifier: Apache-2.0
# `spoor test --update` and `--coverage`, as an author of rules uses them.
. "$TOP/tests/tap.sh"

spoor=$B/spoor
mkdir -p "$TMP/rules/tests"
cat >"$TMP/rules/odd.yaml" <<'END'
type: detector
id: MY-001
produced_event: {name: odd, version: 1.0.0, fields: [{name: key, type: int32}]}
requirements:
  events:
    - name: msgget
      data_filters: ["key!=0"]
threat: {description: d, severity: low}
auto_populate: {threat: true}
conditions:
  - getEventData("key") > 4
  - getEventData("msgflg") == 0
output: {fields: [{name: key, expression: getEventData("key")}]}
END
cat >"$TMP/rules/tests/odd.yaml" <<'END'
type: rule_test
detector: MY-001
tests:
  # begun with its event alone
  - name: a key
    event: {name: msgget, data: {key: 0x10, msgflg: 0}}
  - name: another
    event: {name: msgget, data: {key: 5, msgflg: 0}}
    expect:
      - data: {key: 6} # to be mended
END
cat >"$TMP/want" <<'END'
type: rule_test
detector: MY-001
tests:
  # begun with its event alone
  - name: a key
    event: {name: msgget, data: {key: 0x10, msgflg: 0}}
    expect:
      - severity: low
        data: {key: 16}
  - name: another
    event: {name: msgget, data: {key: 5, msgflg: 0}}
    expect:
      - data: {key: 5} # to be mended
END
file=$TMP/rules/tests/odd.yaml
chmod 640 "$file"

"$spoor" test "$TMP/rules" >"$TMP/out" 2>&1
is $? 1 'as it is it fails'
"$spoor" test --update "$TMP/rules" >"$TMP/out" 2>&1
is $? 0 'it is updated'
is "$(head -n 1 "$TMP/out")" "updated $file: 1 value, 1 detection more, 0 fewer" 'it says what it did'
same "$file" "$TMP/want" 'what differed was written, the rest is as it was'
is "$(stat -c %a "$file")" 640 'the mode is kept'
is "$(ls "$TMP/rules/tests")" odd.yaml 'nothing is left behind'
"$spoor" test "$TMP/rules" >"$TMP/out" 2>&1
is $? 0 'now it passes'
"$spoor" test --update "$TMP/rules" >"$TMP/out" 2>&1
! grep -q updated "$TMP/out"
ok $? 'there is nothing more to update'
"$spoor" test --update >"$TMP/out" 2>&1
is $? 2 'the built-in tests cannot be updated'

# What was said of the rules in $TMP, in short, without the hints.
told() {
	grep -v '^ \|^ok\|the filters of' "$TMP/out" | sed -e "s,^$TMP/,," -e 's/ were both true and false//' \
		-e 's/getEventData("\([a-z]*\)")/\1/g' >"$TMP/told"
}

# Coverage: file, line, and the test that is missing.
"$spoor" test --coverage "$TMP/rules" >"$TMP/out" 2>&1
is $? 0 'coverage is no failure'
grep -q "odd.yaml:6: .*the filters of msgget passed every event" "$TMP/out"
ok $? 'a filter that passed everything'
grep -q 'odd.yaml:11: .*condition 0 was never false: getEventData("key") > 4' "$TMP/out"
ok $? 'a condition that was never false'
grep -q '^    hint: write a test in which all before it hold and it does not' "$TMP/out"
ok $? 'the test that is missing'
grep -q '^coverage: 0 of 2 conditions were both true and false' "$TMP/out"
ok $? 'the sum'
"$spoor" test --coverage --strict "$TMP/rules" >"$TMP/out" 2>&1
is $? 1 'coverage is a failure if asked for'
cat >>"$file" <<'END'
  - {name: filtered, event: {name: msgget, data: {key: 0}}, expect: []}
  - {name: small, event: {name: msgget, data: {key: 4}}, expect: []}
  - {name: flags, event: {name: msgget, data: {key: 5, msgflg: 1}}, expect: []}
END
"$spoor" test --coverage --strict "$TMP/rules" >"$TMP/out" 2>&1
is $? 0 'all is covered'
! grep -q warning "$TMP/out"
ok $? 'and nothing is warned of'

# Operands of && and ||, at whatever depth, each at its place.
cat >"$TMP/rules/odd.yaml" <<'END'
type: detector
id: MY-001
produced_event: {name: odd, version: 1.0, fields: [{name: key, type: int32}]}
requirements: {events: [{name: msgget, data_filters: [key!=0]}]}
threat: {severity: low, description: A test.}
auto_populate: {threat: true}
conditions:
  - getEventData("key") > 4
  - >-
    hasData("msgflg") &&
    (getEventData("msgflg") == 0 || context.euid == 0 ||
    event.name.startsWith("x"))
output: {fields: [{name: key, expression: getEventData("key")}]}
END
"$spoor" test --coverage --strict "$TMP/rules" >"$TMP/out" 2>&1
is $? 1 'operands count, too'
told
same "$TMP/told" /dev/stdin 'operands that decided nothing' <<'END'
rules/odd.yaml:10:5: warning: in condition 1, this was never false: hasData("msgflg")
rules/odd.yaml:11:37: warning: in condition 1, this was never true: context.euid == 0
rules/odd.yaml:12:5: warning: in condition 1, this was never true: event.name.startsWith("x")
coverage: 2 of 2 conditions, 1 of 4 operands of && and ||; 0 of 0 steps came
5 passed, 0 failed, 0 skipped
END
cat >>"$file" <<'END'
  - {name: root, event: {name: msgget, data: {key: 5, msgflg: 1}, process: {euid: 0}}, expect: [{}]}
  - {name: no flags, event: {name: msgget, data: {key: 5}}, expect: []}
END
"$spoor" test --coverage "$TMP/rules" >"$TMP/out" 2>&1
is "$(grep -c warning "$TMP/out")" 1 'tests for all but one'

# Steps of sequences, their conditions, and those that ask for earlier steps.
cat >"$TMP/rules/odd.yaml" <<'END'
type: detector
id: MY-001
produced_event: {name: odd, version: 1.0, fields: [{name: key, type: int32}]}
requirements: {events: [{name: msgget}, {name: msgctl}, {name: semget}]}
threat: {severity: low, description: A test.}
auto_populate: {threat: true}
sequence:
  by: [process]
  within: 10s
  steps:
    - event: msgget
      as: probe
      conditions: [getEventData("returnValue") == -ENOENT]
    - event: semget
      absent: true
    - event: msgget
      conditions:
        - getEventData("returnValue") >= 0
        - getEventData("key") == state("probe.key") || getEventData("key") == 0
  until: {event: msgctl}
output: {fields: [{name: key, expression: getEventData("key")}]}
END
cat >"$file" <<'END'
type: rule_test
detector: MY-001
tests:
  - name: probed and made
    events:
      - {name: msgget, data: {key: 5, returnValue: -ENOENT}}
      - {name: msgget, data: {key: 5, returnValue: 3}}
    expect: [{}]
END
"$spoor" test --coverage --strict "$TMP/rules" >"$TMP/out" 2>&1
is $? 1 'steps count, too'
told
same "$TMP/told" /dev/stdin 'what no test has shown of a sequence' <<'END'
rules/odd.yaml:4: warning: no test has an event msgctl for MY-001
rules/odd.yaml:4: warning: no test has an event semget for MY-001
rules/odd.yaml:14: warning: no test has an event that is step 2 of MY-001
rules/odd.yaml:19: warning: condition 1 of step 3 was never false: key == state("probe.key") || key == 0
rules/odd.yaml:20: warning: no test has an event that is until of MY-001
coverage: 2 of 3 conditions, 0 of 2 operands of && and ||; 2 of 4 steps came
1 passed, 0 failed, 0 skipped
END
cat >>"$file" <<'END'
  - name: another key
    events:
      - {name: msgget, data: {key: 5, returnValue: -ENOENT}}
      - {name: msgget, data: {key: 6, returnValue: 3}}
    expect: []
  - name: semaphores between
    events:
      - {name: msgget, data: {key: 5, returnValue: -ENOENT}}
      - {name: semget, data: {key: 5, returnValue: 3}}
      - {name: msgget, data: {key: 5, returnValue: 3}}
    expect: []
  - name: it gave up
    events:
      - {name: msgget, data: {key: 5, returnValue: -ENOENT}}
      - {name: msgctl, data: {cmd: 0, returnValue: 0}}
      - {name: msgget, data: {key: 5, returnValue: 3}}
    expect: []
END
"$spoor" test --coverage "$TMP/rules" >"$TMP/out" 2>&1
told
same "$TMP/told" /dev/stdin 'but for one operand' <<'END'
rules/odd.yaml:19:56: warning: in condition 1 of step 3, this was never true: key == 0
coverage: 3 of 3 conditions, 1 of 2 operands of && and ||; 4 of 4 steps came
4 passed, 0 failed, 0 skipped
END
done_testing
