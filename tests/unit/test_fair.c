/* SPDX-License-Identifier: MIT */
/* fair.c: who counts as one client, whose turn it is, who makes room, and what one may have. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../../src/web/fair.h"
#include "unit.h"

enum { CLIENTS = 4, ENTRIES = 8 };

struct world {
	struct fair fair;
	struct fair_client *clients[CLIENTS];
	struct fair_entry entries[CLIENTS][ENTRIES];
	int added[CLIENTS];
};

static int open_world(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	fair_open(&w.fair, 0x1234567890abcdef);
	for (int i = 0; i < CLIENTS; i++) {
		char text[32];
		struct fair_key key;

		snprintf(text, sizeof text, "192.0.2.%d", i);
		key = fair_key_of_text(text);
		w.clients[i] = fair_hold(&w.fair, &key);
	}
	*state = &w;
	return 0;
}

/* Under sanitizers a client that is not released is a leak. */
static int close_world(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CLIENTS; i++)
		fair_release(&w->fair, w->clients[i]);
	return 0;
}

/* "AAB": so many requests of A, A, B arrive. */
static void arrive(struct world *w, const char *who)
{
	for (; *who; who++) {
		int i = *who - 'A';

		fair_add(&w->fair, &w->entries[i][w->added[i]++], w->clients[i], 100);
	}
}

static char name_of(const struct world *w, const struct fair_entry *entry)
{
	for (int i = 0; entry && i < CLIENTS; i++)
		if (entry->client == w->clients[i])
			return (char)('A' + i);
	return '-';
}

/* The order in which all that waits is taken, each ended before the next. */
static void expect_order(struct world *w, const char *expected)
{
	char order[CLIENTS * ENTRIES + 1] = "";

	for (size_t n = 0; w->fair.turn; n++)
		order[n] = name_of(w, fair_take(&w->fair));
	assert_string_equal(order, expected);
}

static void turns_go_round(void **state)
{
	struct world *w = *state;

	arrive(w, "AAAABCB");
	expect_order(w, "ABCABAA");
	assert_null(fair_take(&w->fair));
}

static void a_newcomer_comes_in_the_same_round(void **state)
{
	struct world *w = *state;

	arrive(w, "AAAAAA");
	assert_int_equal(name_of(w, fair_take(&w->fair)), 'A');
	arrive(w, "B");
	expect_order(w, "ABAAAA");
}

static void of_one_client_first_in_first_out(void **state)
{
	struct world *w = *state;

	arrive(w, "AABA");
	assert_ptr_equal(fair_take(&w->fair), &w->entries[0][0]);
	assert_ptr_equal(fair_take(&w->fair), &w->entries[1][0]);
	assert_ptr_equal(fair_take(&w->fair), &w->entries[0][1]);
	assert_ptr_equal(fair_take(&w->fair), &w->entries[0][2]);
}

static void who_runs_less_comes_first(void **state)
{
	struct world *w = *state;

	w->clients[0]->running = 2;
	w->clients[1]->running = 1;
	arrive(w, "AABBCC");
	expect_order(w, "CCBBAA");
	w->clients[0]->running = w->clients[1]->running = 0;
}

/* Each row: what waits, who comes, and whose youngest request goes (-: the newcomer itself). */
static const struct {
	const char *waiting;
	char comes, goes;
} full[] = {
	{ "", 'A', '-' },	{ "A", 'A', '-' },     { "AAAA", 'A', '-' },   { "A", 'B', '-' },     { "AA", 'B', 'A' },
	{ "AAB", 'B', '-' },	{ "AAAB", 'B', 'A' },  { "AABB", 'C', 'A' },   { "ABB", 'C', 'B' },   { "ABC", 'D', '-' },
	{ "AABBBC", 'D', 'B' }, { "AABBBC", 'C', 'B' }, { "AABBBC", 'A', '-' },
};

static void who_has_most_makes_room(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ROWS(full); i++) {
		struct fair_entry *entry;

		memset(w->added, 0, sizeof w->added);
		arrive(w, full[i].waiting);
		entry = fair_displaced(&w->fair, w->clients[full[i].comes - 'A']);
		check(name_of(w, entry) == full[i].goes, "\"%s\", then %c: %c", full[i].waiting, full[i].comes,
		      name_of(w, entry));
		if (entry)
			check(entry == entry->client->last, "row %zu: not the youngest", i);
		while (fair_take(&w->fair))
			;
	}
}

static void entries_leave_from_anywhere(void **state)
{
	struct world *w = *state;

	arrive(w, "AAABBC");
	fair_remove(&w->fair, &w->entries[0][1]);
	fair_remove(&w->fair, &w->entries[1][0]);
	fair_remove(&w->fair, &w->entries[2][0]);
	fair_remove(&w->fair, &w->entries[0][2]);
	assert_int_equal(w->clients[0]->waiting, 1);
	expect_order(w, "AB");
	arrive(w, "D");
	fair_remove(&w->fair, &w->entries[3][0]);
	assert_null(w->fair.turn);
}

static void what_waited_too_long_is_found(void **state)
{
	struct world *w = *state;

	assert_null(fair_older(&w->fair, UINT64_MAX));
	fair_add(&w->fair, &w->entries[0][0], w->clients[0], 50);
	fair_add(&w->fair, &w->entries[1][0], w->clients[1], 10);
	fair_add(&w->fair, &w->entries[1][1], w->clients[1], 60);
	assert_null(fair_older(&w->fair, 10));
	assert_ptr_equal(fair_older(&w->fair, 11), &w->entries[1][0]);
	fair_remove(&w->fair, &w->entries[1][0]);
	assert_null(fair_older(&w->fair, 50));
	assert_ptr_equal(fair_older(&w->fair, 51), &w->entries[0][0]);
	while (fair_take(&w->fair))
		;
}

/* ---- clients ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *one, *other;
	bool same;
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1", "192.0.2.1:4711", true },
	{ "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
	{ "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true },
	{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
	{ "2001:db8:0:1::1", "[2001:db8:0:1::1]:80", true },
	{ "2001:db8:0:1::1", "[2001:db8:0:1::7]", true },
	{ "2001:DB8::1", "2001:db8::1", true },
	/* what is no address is one client, whatever it says */
	{ "", "unknown", true },
	{ "", "192.0.2", true },
	{ "", "192.0.2.1 ", true },
	{ "", "_hidden", true },
	{ "", "[", true },
	{ "", "192.0.2.256", true },
	{ "", "1111111111111111111111111111111111111111111111111111111111111111", true },
	{ "", "192.0.2.1", false },
	{ "", "::1", false },
};

static void clients_are_addresses(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ROWS(addresses); i++) {
		struct fair_key one = fair_key_of_text(addresses[i].one), other = fair_key_of_text(addresses[i].other);
		struct fair_client *a = fair_hold(&w->fair, &one), *b = fair_hold(&w->fair, &other);

		check((a == b) == addresses[i].same, "%s and %s", addresses[i].one, addresses[i].other);
		fair_release(&w->fair, a);
		fair_release(&w->fair, b);
	}
}

static void sockets_and_texts_agree(void **state)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct fair_key keys[6];

	(void)state;
	inet_pton(AF_INET, "192.0.2.9", &in4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::9", &in6.sin6_addr);
	keys[0] = fair_key_of_address((struct sockaddr *)&in4);
	keys[1] = fair_key_of_text("192.0.2.9");
	keys[2] = fair_key_of_address((struct sockaddr *)&in6);
	keys[3] = fair_key_of_text("2001:db8::1:9");
	keys[4] = fair_key_of_address(&other);
	keys[5] = fair_key_of_address(NULL);
	for (size_t i = 0; i < ROWS(keys); i += 2)
		assert_memory_equal(&keys[i], &keys[i + 1], sizeof keys[i]);
	assert_memory_not_equal(&keys[0], &keys[2], sizeof keys[0]);
}

/* More than there are buckets, so that chains are walked; each is found again and all are gone at the end. */
static void many_clients_are_kept_apart(void **state)
{
	enum { MANY = 5000 };
	static struct fair_client *many[MANY];
	struct world *w = *state;

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MANY; i++) {
			char text[32];
			struct fair_key key;
			struct fair_client *client;

			snprintf(text, sizeof text, "10.0.%d.%d", i / 256, i % 256);
			key = fair_key_of_text(text);
			client = fair_hold(&w->fair, &key);
			if (round == 0)
				many[i] = client;
			assert_ptr_equal(client, many[i]);
			assert_int_equal(client->holders, round + 1);
		}
	for (int i = 0; i < 2 * MANY; i++)
		fair_release(&w->fair, many[i % MANY]);
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(w->clients[i]->holders, 1);
}

/* ---- shares ------------------------------------------------------------------------------------------------------- */

static void one_gets_three_quarters(void **state)
{
	uint64_t own = 0;

	(void)state;
	while (fair_fits(own, 1, own, 1000))
		own++;
	assert_int_equal(own, 750);
	assert_true(fair_fits(0, 1, own, 1000));
}

static void something_is_left_for_a_newcomer(void **state)
{
	uint64_t own[20] = { 0 }, all = 0;

	(void)state;
	for (int round = 0; round < 1000; round++)
		for (int i = 0; i < 20; i++)
			if (fair_fits(own[i], 1, all, 1000)) {
				own[i]++;
				all++;
			}
	assert_true(all < 1000);
	assert_true(fair_fits(0, 1, all, 1000));
	for (int i = 0; i < 20; i++)
		assert_in_range(own[i], 45, 52);
}

static void never_more_than_there_is(void **state)
{
	(void)state;
	assert_true(fair_fits(0, 10, 0, 10));
	assert_true(fair_fits(0, 10, 90, 100));
	assert_false(fair_fits(0, 11, 0, 10));
	assert_false(fair_fits(0, 11, 90, 100));
	assert_false(fair_fits(0, UINT64_MAX, 1, UINT64_MAX));
	assert_true(fair_fits(5, 0, 5, 10));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(turns_go_round),
		TEST(a_newcomer_comes_in_the_same_round),
		TEST(of_one_client_first_in_first_out),
		TEST(who_runs_less_comes_first),
		TEST(who_has_most_makes_room),
		TEST(entries_leave_from_anywhere),
		TEST(what_waited_too_long_is_found),
		TEST(clients_are_addresses),
		cmocka_unit_test(sockets_and_texts_agree),
		TEST(many_clients_are_kept_apart),
		cmocka_unit_test(one_gets_three_quarters),
		cmocka_unit_test(something_is_left_for_a_newcomer),
		cmocka_unit_test(never_more_than_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
