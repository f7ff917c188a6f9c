/*
 * Tests of the room crc: the vectors that others publish, and the properties
 * for which this sum was chosen.
 */
#include "common.h"
#include "crc.h"

static uint32_t
sum(const void *bytes, size_t n)
{
	return rfm_crc32c(0, bytes, n);
}

static void
nine_digits_give_the_check_value(void **state)
{
	(void)state;
	assert_int_equal(sum("123456789", 9), 0xe3069283u);
}

static void
the_vectors_of_rfc_3720_come_out(void **state)
{
	uint8_t zeros[32], ones[32], up[32], down[32];

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		zeros[i] = 0;
		ones[i] = 0xff;
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(sum(zeros, 32), 0x8a9136aau);
	assert_int_equal(sum(ones, 32), 0x62a8ab43u);
	assert_int_equal(sum(up, 32), 0x46dd794eu);
	assert_int_equal(sum(down, 32), 0x113fdb5cu);
}

static void
the_vector_of_a_scsi_command_of_rfc_3720_comes_out(void **state)
{
	static const uint8_t pdu[48] = {
		0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x14, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
		0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0
	};

	(void)state;
	assert_int_equal(sum(pdu, sizeof pdu), 0xd9963a56u);
}

static void
nothing_sums_to_zero(void **state)
{
	(void)state;
	assert_int_equal(sum("", 0), 0);
}

static void
two_pieces_sum_as_one_wherever_they_are_cut(void **state)
{
	uint8_t bytes[100];

	(void)state;
	fill(bytes, sizeof bytes, 1);
	for (size_t cut = 0; cut <= sizeof bytes; cut++)
		assert_int_equal(rfm_crc32c(sum(bytes, cut), bytes + cut,
		    sizeof bytes - cut), sum(bytes, sizeof bytes));
}

/* Byte by byte the instruction is never used; in one go it is, if there is one. */
static void
the_table_and_the_instruction_agree(void **state)
{
	uint8_t bytes[208];

	(void)state;
	fill(bytes, sizeof bytes, 5);
	for (size_t n = 0; n <= 200; n++)
		for (size_t from = 0; from < 8; from++) {
			uint32_t slow = 0;

			for (size_t i = 0; i < n; i++)
				slow = rfm_crc32c(slow, bytes + from + i, 1);
			assert_int_equal(sum(bytes + from, n), slow);
		}
}

static void
zeros_in_front_and_behind_count(void **state)
{
	static const uint8_t bytes[4] = { 0, 7, 0, 0 };

	(void)state;
	assert_int_not_equal(sum(bytes, 2), sum(bytes + 1, 1));
	assert_int_not_equal(sum(bytes, 2), sum(bytes, 3));
	assert_int_not_equal(sum(bytes, 3), sum(bytes, 4));
}

/* A record of 80 bytes: one bit, two bits, and every burst up to 32 bits. */
static void
one_and_two_flipped_bits_are_noticed(void **state)
{
	uint8_t  bytes[80];
	uint32_t good;

	(void)state;
	fill(bytes, sizeof bytes, 2);
	good = sum(bytes, sizeof bytes);
	for (unsigned i = 0; i < 640; i++) {
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_not_equal(sum(bytes, sizeof bytes), good);
		for (unsigned k = i + 1; k < 640; k += 7) {
			bytes[k / 8] ^= (uint8_t)(1u << k % 8);
			assert_int_not_equal(sum(bytes, sizeof bytes), good);
			bytes[k / 8] ^= (uint8_t)(1u << k % 8);
		}
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(sum(bytes, sizeof bytes), good);
}

static void
a_torn_record_is_noticed_wherever_it_is_torn(void **state)
{
	uint8_t before[80], after[80], torn[80];

	(void)state;
	fill(before, sizeof before, 3);
	fill(after, sizeof after, 4);
	for (size_t cut = 1; cut < sizeof torn; cut++) {
		memcpy(torn, after, sizeof torn);
		memcpy(torn, before, cut);
		assert_int_not_equal(sum(torn, 80), sum(after, 80));
		assert_int_not_equal(sum(torn, 80), sum(before, 80));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nine_digits_give_the_check_value),
		cmocka_unit_test(the_vectors_of_rfc_3720_come_out),
		cmocka_unit_test(
		    the_vector_of_a_scsi_command_of_rfc_3720_comes_out),
		cmocka_unit_test(nothing_sums_to_zero),
		cmocka_unit_test(two_pieces_sum_as_one_wherever_they_are_cut),
		cmocka_unit_test(the_table_and_the_instruction_agree),
		cmocka_unit_test(zeros_in_front_and_behind_count),
		cmocka_unit_test(one_and_two_flipped_bits_are_noticed),
		cmocka_unit_test(a_torn_record_is_noticed_wherever_it_is_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
