/*
 * A random walk of the store beside a model that is three arrays: what exists now,
 * what existed at the last sync, and every id that was ever given out. Each walk
 * prints its seed; RFM_SEED=n replays it, RFM_STEPS=n makes it longer.
 */
#include "shop.h"

#define MOST 200

/* One vector of the model; its bytes follow from its seed. */
struct thing {
	uint64_t            id, bytes, seed;
	struct rfm_payload *payload;    /* if this process has a handle */
	bool                sealed;
	bool                certain;    /* its bytes, after a power cut */
};

struct world {
	struct thing things[MOST];
	size_t       count;
};

static struct world now, synced;
static struct thing loose[MOST];        /* temporaries */
static size_t       loose_count;
static uint64_t     dead[1u << 16], dead_count, highest, seeds;

static void
note(const char *what, uint64_t a)
{
	if (getenv("RFM_TRACE") != NULL)
		printf("# %s %" PRIu64 "\n", what, a);
}

static uint64_t
some_size(void)
{
	switch (dice(8)) {
	case 0:  return dice(4) == 0 ? 0 : 1 + dice(64);
	case 1:  return 4096 * (1 + dice(4));
	case 2:  return 10000 + dice(40000);
	case 3:  return dice(30) == 0 ? 200000 + dice(300000) : dice(9000);
	default: return dice(1000);
	}
}

static void
bury(uint64_t id)
{
	if (dead_count < COUNT(dead))
		dead[dead_count++] = id;
}

static void
new_id(uint64_t id)
{
	assert_true(id > highest);      /* never again, and only upwards */
	highest = id;
}

/* A commit can come from the store itself, before it does what it was asked for;
 * the model notices the epoch, and then does its own part. */
static uint64_t epoch;

static void
notice_commits(void)
{
	uint64_t e = info_of(store).epoch;

	if (e == epoch)
		return;
	epoch = e;
	synced = now;
	for (size_t i = 0; i < synced.count; i++)
		synced.things[i].certain = true;
	for (size_t i = 0; i < now.count; i++)
		now.things[i].certain = true;
}

static struct rfm_payload *
handle(struct thing *t)
{
	if (t->payload == NULL) {
		OK(rfm_store_find(store, t->id, &t->payload, &error));
		assert_int_equal(t->payload->state, t->sealed ? RFM_SEALED :
		    RFM_COMMITTED);
	}
	return t->payload;
}

static void
compare(struct thing *t)
{
	struct rfm_payload *p = handle(t);

	assert_int_equal(p->bytes, t->bytes);
	assert_int_equal(p->id, t->id);
	if (!holds(p->address, t->bytes, t->seed))
		fail_msg("vector %" PRIu64 " has other bytes", t->id);
}

static void
drop_handle(struct thing *t)
{
	if (t->payload != NULL)
		rfm_payload_release(t->payload);
	t->payload = NULL;
}

static void
make(struct thing *t, bool temporary_one)
{
	bool zero = dice(3) == 0;

	memset(t, 0, sizeof *t);
	t->bytes = some_size();
	t->seed = ++seeds;
	OK((temporary_one ? rfm_store_temporary : rfm_store_create)(store,
	    RFM_RAW, t->bytes, zero, RFM_GROW, &t->payload, &error));
	if (zero)
		assert_true(all_zero(t->payload->address, t->bytes));
	notice_commits();       /* growing may have committed, before it */
	fill(t->payload->address, t->bytes, t->seed);
	t->id = t->payload->id;
	if (!temporary_one)
		new_id(t->id);
}

static void
walk_create(void)
{
	struct thing t;

	if (now.count == MOST)
		return;
	make(&t, false);
	now.things[now.count++] = t;
	note("create", t.id);
}

static void
walk_temporary(void)
{
	if (loose_count < MOST)
		make(&loose[loose_count++], true);
	note("temporary", loose[loose_count - 1].bytes);
}

static void
walk_release(void)
{
	if (loose_count > 0) {
		size_t i = dice(loose_count);

		assert_true(holds(loose[i].payload->address, loose[i].bytes,
		    loose[i].seed));
		drop_handle(&loose[i]);
		loose[i] = loose[--loose_count];
	}
	if (now.count > 0)
		drop_handle(&now.things[dice(now.count)]);
}

static void
walk_seal(void)
{
	if (dice(2) == 0 && loose_count > 0 && now.count < MOST) {
		struct thing t = loose[--loose_count];

		OK(rfm_store_seal(t.payload, &error));
		notice_commits();
		t.id = t.payload->id;
		t.sealed = true;
		new_id(t.id);
		now.things[now.count++] = t;
		note("seal temporary", t.id);
	} else if (now.count > 0) {
		struct thing *t = &now.things[dice(now.count)];

		OK(rfm_store_seal(handle(t), &error));
		notice_commits();
		t->sealed = true;
		note("seal", t->id);
	}
}

/* New numbers in place: after a power cut either may be there. */
static void
walk_write(void)
{
	struct thing *t;

	if (now.count == 0)
		return;
	t = &now.things[dice(now.count)];
	if (t->sealed)
		return;
	t->seed = ++seeds;
	t->certain = false;
	fill(handle(t)->address, t->bytes, t->seed);
	for (size_t i = 0; i < synced.count; i++)
		if (synced.things[i].id == t->id)
			synced.things[i].certain = false;
	note("write", t->id);
}

static void
walk_destroy(void)
{
	size_t i;

	if (now.count == 0)
		return;
	i = dice(now.count);
	OK(rfm_store_destroy(handle(&now.things[i]), true, &error));
	notice_commits();
	bury(now.things[i].id);
	note("destroy", now.things[i].id);
	drop_handle(&now.things[i]);
	now.things[i] = now.things[--now.count];
}

static void
walk_widen(void)
{
	struct thing *t;
	uint64_t      bytes;

	if (loose_count == 0)
		return;
	t = &loose[dice(loose_count)];
	bytes = t->bytes + dice(9000);
	if (!rfm_store_widen(t->payload, bytes))
		return;
	assert_true(holds(t->payload->address, t->bytes, t->seed));
	t->bytes = bytes;
	fill(t->payload->address, bytes, t->seed);
	note("widen", bytes);
}

static void
walk_sync(void)
{
	OK(rfm_store_sync(store, &error));
	epoch = 0;              /* a sync vouches for contents in any case */
	notice_commits();
	note("sync", epoch);
}

static void
compare_all(void)
{
	struct rfm_store_info i = info_of(store);

	assert_int_equal(i.records, now.count);
	assert_int_equal(i.temporaries, loose_count);
	for (size_t k = 0; k < now.count; k++)
		compare(&now.things[k]);
	for (size_t k = 0; k < loose_count; k++)
		assert_true(holds(loose[k].payload->address, loose[k].bytes,
		    loose[k].seed));
	for (uint64_t k = dead_count > 20 ? dead_count - 20 : 0;
	    k < dead_count; k++)
		REFUSED(RFM_TOMBSTONE, look_for(store, dead[k]));
}

static void
forget_handles(void)
{
	for (size_t i = 0; i < now.count; i++)
		drop_handle(&now.things[i]);
	while (loose_count > 0)
		drop_handle(&loose[--loose_count]);
}

static void
walk_die(void)
{
	note("die", 0);
	rfm_lying_kill(os);
	forget_handles();
	leave();
	open_store();
	epoch = info_of(store).epoch;
	compare_all();
	SOUND();
}

static void
walk_close(void)
{
	note("close", 0);
	OK(rfm_store_close(store, &error));
	epoch = 0;
	notice_commits();
	forget_handles();
	leave();
	open_store();
	epoch = info_of(store).epoch;
	compare_all();
	SOUND();
}

static bool
lives_in(const struct world *w, uint64_t id)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->things[i].id == id)
			return true;
	return false;
}

/* Everything that was written has arrived, yet only the last commit counts. */
static void
walk_lose_power(void)
{
	struct rfm_lying_image image = snapshot();

	note("lose power", 0);
	rfm_lying_kill(os);
	forget_handles();
	leave();
	boot_with(&image);
	for (size_t i = 0; i < now.count; i++)
		if (!lives_in(&synced, now.things[i].id))
			bury(now.things[i].id);
	for (uint64_t k = 0; k < dead_count; k++)       /* some rise again */
		if (lives_in(&synced, dead[k]))
			dead[k--] = dead[--dead_count];
	now = synced;
	for (size_t i = 0; i < now.count; i++) {
		struct thing *t = &now.things[i];

		t->payload = NULL;
	}
	open_store();
	for (size_t i = 0; i < now.count; i++) {
		struct thing *t = &now.things[i];

		if (t->certain)
			continue;
		t->seed = ++seeds;      /* old or new: made certain again */
		fill(handle(t)->address, t->bytes, t->seed);
	}
	synced = now;
	epoch = info_of(store).epoch;
	compare_all();
	SOUND();
}

/* proves I3, I4, I5, I6, I7, I9, I13 */
static void
the_store_does_what_the_model_does(void **state)
{
	static void (*const steps[])(void) = {
		walk_create, walk_create, walk_create, walk_create,
		walk_temporary, walk_temporary, walk_temporary, walk_release,
		walk_release, walk_release, walk_seal, walk_seal, walk_write,
		walk_write, walk_destroy, walk_destroy, walk_destroy,
		walk_destroy, walk_widen
	};
	const char *given = getenv("RFM_STEPS");
	uint64_t    n = given != NULL ? strtoull(given, NULL, 10) : 6000, i;

	(void)state;
	walk_begin();
	for (i = 0; i < n; i++) {
		uint64_t d = dice(400);

		if (d < 16)
			walk_sync();
		else if (d < 20)
			walk_die();
		else if (d < 22)
			walk_close();
		else if (d < 25)
			walk_lose_power();
		else
			steps[dice(COUNT(steps))]();
		if (i % 50 == 0)
			compare_all();
	}
	printf("# %" PRIu64 " steps, %" PRIu64 " vectors destroyed, file of %"
	    PRIu64 " bytes\n", i, dead_count, info_of(store).file_bytes);
	compare_all();
	forget_handles();
}

#define T(test) cmocka_unit_test_setup_teardown(test, machine_on, machine_off)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_store_does_what_the_model_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
