# SPDX-License-Identifier: Apache-2.0
# The tests that lie beside the built-in detectors, run by the program users run theirs with.
exec "$B/spoor" test "$TOP/rules"
