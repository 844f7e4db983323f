/* SPDX-License-Identifier: MIT */
/* Looks without a change are counted; time alone is not. */
#include "pulse.h"
#include "unit.h"

static void rounds_are_life(void **state)
{
	struct pulse_watch w = { 0 };

	(void)state;
	for (uint32_t round = 1; round < 100; round++)
		assert_int_equal(pulse_look(&w, round, round * UINT64_C(60) * PULSE_LOOK_US), 0);
}

static void silence_is_counted_in_looks(void **state)
{
	struct pulse_watch w = { 0 };
	uint64_t now = 1000;

	(void)state;
	assert_int_equal(pulse_look(&w, 7, now), 0);
	assert_int_equal(pulse_look(&w, 7, now + PULSE_LOOK_US - 1), 0);
	for (uint32_t look = 1; look <= 9; look++) {
		now += PULSE_LOOK_US;
		assert_int_equal(pulse_look(&w, 7, now), look);
		assert_int_equal(pulse_look(&w, 7, now + 1), look); /* too soon to be another one */
	}
	assert_int_equal(pulse_look(&w, 8, now), 0);
}

/* Everybody was stopped for an hour. */
static void a_gap_is_one_look(void **state)
{
	struct pulse_watch w = { 0 };

	(void)state;
	assert_int_equal(pulse_look(&w, 7, 1000), 0);
	assert_int_equal(pulse_look(&w, 7, UINT64_C(3600) * PULSE_LOOK_US), 1);
	assert_int_equal(pulse_look(&w, 8, UINT64_C(3600) * PULSE_LOOK_US), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_are_life),
		cmocka_unit_test(silence_is_counted_in_looks),
		cmocka_unit_test(a_gap_is_one_look),
	};

	return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
