# SPDX-License-Identifier: Apache-2.0
# What detectors with memory mean: a detector for each way to write one, and its tests.
exec "$B/spoor" test "$TOP/tests/rules/memory"
