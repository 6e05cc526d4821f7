/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for ipcrm in the machine, whose programs are static: triggers call it in a namespace
 * without objects, where the real one has nothing to do either.
 */
int main(void)
{
	return 0;
}
