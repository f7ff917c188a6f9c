/*
 * Tests of the room base: every status has a name, a failure is told once and
 * completely, and no sum lies.
 */
#include "common.h"

static void
every_status_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < RFM_STATUSES; i++) {
		const char *name = rfm_status_name((enum rfm_status)i);

		assert_non_null(name);
		assert_true(strlen(name) > 1);
		for (const char *c = name; *c != '\0'; c++)
			assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
		for (int k = 0; k < i; k++)
			assert_string_not_equal(name,
			    rfm_status_name((enum rfm_status)k));
	}
}

static void
a_status_that_is_none_is_called_unknown(void **state)
{
	(void)state;
	assert_string_equal(rfm_status_name(RFM_STATUSES), "unknown");
	assert_string_equal(rfm_status_name((enum rfm_status)-1), "unknown");
}

static void
the_names_that_conditions_are_made_of_are_fixed(void **state)
{
	(void)state;
	assert_string_equal(rfm_status_name(RFM_OK), "ok");
	assert_string_equal(rfm_status_name(RFM_DISK_FULL), "disk_full");
	assert_string_equal(rfm_status_name(RFM_DAMAGED), "damaged");
	assert_string_equal(rfm_status_name(RFM_LOCKED), "locked");
	assert_string_equal(rfm_status_name(RFM_MISMATCH), "mismatch");
}

static void
fail_writes_status_and_text_and_clears_errno(void **state)
{
	struct rfm_error e = { RFM_OK, 77, "old" };

	(void)state;
	assert_int_equal(rfm_fail(&e, RFM_IO, "%s at byte %d", "torn", 12),
	    RFM_IO);
	assert_int_equal(e.status, RFM_IO);
	assert_int_equal(e.os_errno, 0);
	assert_string_equal(e.text, "torn at byte 12");
}

static void
fail_accepts_a_caller_who_wants_no_detail(void **state)
{
	(void)state;
	assert_int_equal(rfm_fail(NULL, RFM_LOCKED, "%d", 1), RFM_LOCKED);
}

static void
a_text_too_long_is_cut_and_ends(void **state)
{
	struct rfm_error e;
	char             text[2000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	(void)rfm_fail(&e, RFM_IO, "%s", text);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static int tried;

static enum rfm_status
two_steps(enum rfm_status first)
{
	RFM_TRY(first);
	tried++;
	return RFM_OK;
}

static void
try_stops_at_the_first_failure_and_hands_it_up(void **state)
{
	(void)state;
	tried = 0;
	assert_int_equal(two_steps(RFM_NO_ROOM), RFM_NO_ROOM);
	assert_int_equal(tried, 0);
	assert_int_equal(two_steps(RFM_OK), RFM_OK);
	assert_int_equal(tried, 1);
}

static void
sums_are_exact_up_to_the_limit_and_refused_beyond(void **state)
{
	uint64_t sum = 0;

	(void)state;
	assert_true(rfm_add(UINT64_MAX - 8, 8, &sum));
	assert_true(sum == UINT64_MAX);
	assert_false(rfm_add(UINT64_MAX - 8, 9, &sum));
	assert_false(rfm_add(UINT64_MAX, UINT64_MAX, &sum));
	assert_true(rfm_add(0, 0, &sum));
	assert_true(sum == 0);
}

static void
products_are_exact_up_to_the_limit_and_refused_beyond(void **state)
{
	uint64_t product = 0;

	(void)state;
	assert_true(rfm_multiply(UINT64_MAX / 8, 8, &product));
	assert_true(product == UINT64_MAX - 7);
	assert_false(rfm_multiply(UINT64_MAX / 8 + 1, 8, &product));
	assert_false(rfm_multiply(1ULL << 32, 1ULL << 32, &product));
	assert_true(rfm_multiply(0, UINT64_MAX, &product));
	assert_true(product == 0);
}

static void
rounding_up_is_exact_and_refused_where_it_would_wrap(void **state)
{
	uint64_t r = 0;

	(void)state;
	assert_true(rfm_round_up(0, 64, &r) && r == 0);
	assert_true(rfm_round_up(1, 64, &r) && r == 64);
	assert_true(rfm_round_up(64, 64, &r) && r == 64);
	assert_true(rfm_round_up(65, 64, &r) && r == 128);
	assert_true(rfm_round_up(7, 1, &r) && r == 7);
	assert_true(rfm_round_up(UINT64_MAX - 63, 64, &r) &&
	    r == UINT64_MAX - 63);
	assert_false(rfm_round_up(UINT64_MAX - 62, 64, &r));
	assert_false(rfm_round_up(UINT64_MAX, 4096, &r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_name_of_its_own),
		cmocka_unit_test(a_status_that_is_none_is_called_unknown),
		cmocka_unit_test(
		    the_names_that_conditions_are_made_of_are_fixed),
		cmocka_unit_test(fail_writes_status_and_text_and_clears_errno),
		cmocka_unit_test(fail_accepts_a_caller_who_wants_no_detail),
		cmocka_unit_test(a_text_too_long_is_cut_and_ends),
		cmocka_unit_test(
		    try_stops_at_the_first_failure_and_hands_it_up),
		cmocka_unit_test(
		    sums_are_exact_up_to_the_limit_and_refused_beyond),
		cmocka_unit_test(
		    products_are_exact_up_to_the_limit_and_refused_beyond),
		cmocka_unit_test(
		    rounding_up_is_exact_and_refused_where_it_would_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
