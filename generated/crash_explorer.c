/* Tangled from lit/90_proof.nw by 'make tangle': change it there, not here. */
#include "check.h"
#include "layout.h"
#include "lying_disk.h"
#include "store.h"
#include <inttypes.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/personality.h>
#include <unistd.h>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* sizes that keep a store busy */
#define MAX_VECTORS   64       /* alive at a time */
#define MAX_SLOTS     160      /* made in a history */
#define MAX_POSSIBLE  6
#define MAX_NAMES     6        /* "a" to "f" */
#define OBJECT_FACTS  4
#define STORE_NAME    "store"

static const struct rfm_open_options writing = {
	RFM_PERSISTENT, RFM_WRITE, false, RFM_FILE_MIN_BYTES, 512, 8 << 20
};
static const struct rfm_open_options judging = {
	RFM_PERSISTENT, RFM_WRITE, false, RFM_FILE_MIN_BYTES, 512, 1 << 20
};
/* what the oracle knows */
struct fact {
	uint64_t id, length, seed;
	uint64_t room;               /* in bytes */
	uint64_t vector;             /* of an object; 0: came with it */
	uint32_t type, names;
	uint32_t tells;              /* is the numbers 0 and the seed */
	bool     sealed, known;
	bool     element;            /* lives by its names */
	bool     below;              /* in an object that has one */
};

struct catalog {
	unsigned    count;
	uint32_t    names;                   /* found, of anything */
	struct fact facts[MAX_VECTORS];      /* in the order of their ids */
};
/* a point of a history */
struct point {
	unsigned       word;            /* of the history */
	bool           inside;          /* of the operation, or after it */
	bool           born;
	bool           dark;            /* not opened since the cut */
	uint64_t       max_id;          /* handed out so far */
	unsigned       possibles;
	struct catalog possible[MAX_POSSIBLE];
	struct catalog before, after;
	uint64_t       cut_key, death_key;   /* hashes of the above */
};
/* a history that runs */
struct slot {
	struct rfm_payload *payload;    /* if this process has a handle */
	uint64_t            id;         /* 0: a temporary, or never */
	uint64_t            seed, length;
	uint32_t            type;
	bool                gone;
};
struct run {
	const char            *name, *script;
	struct rfm_lying_disk *disk;
	struct rfm_os         *os;          /* the living process */
	struct rfm_store      *store;
	struct rfm_os         *reader_os;
	struct rfm_store      *reader;
	struct catalog         reader_view;
	struct rfm_payload    *reader_payloads[MAX_VECTORS];
	struct slot            slots[MAX_SLOTS];
	unsigned               slot_count;
	struct catalog         now;         /* as the store says */
	struct catalog         other;       /* or this, if ambiguous */
	unsigned               possibles;
	struct catalog         possible[MAX_POSSIBLE];
	bool                   born, ambiguous, after_cut;
	bool                   fault_armed, flush_armed;
	bool                   half;        /* a group in this session */
	uint64_t               opened;      /* its epoch when it began */
	unsigned               objects;     /* made in this history */
	bool                   sweeping;    /* looks at no images */
	bool                   backwards;   /* how its disk writes */
	uint64_t               max_id;
	struct point          *points;      /* of this era */
	unsigned               point_count, point_room;
	unsigned               word;
	unsigned               depth;       /* 1: started from an image */
	bool                   failed;
	uint64_t               cuts, deaths;
};
/* what is counted over all */
static struct {
	uint64_t seed;
	unsigned random_histories;
	unsigned keep_going;       /* one image of so many lives on */
	unsigned go_deep;          /* one of so many is explored again */
	struct rfm_lying_effort effort;
	int      drop;             /* a barrier, or -1 */
	bool     blind;            /* do without the verifier */
	bool     first;            /* stop at the first violation */
	bool     live;             /* only live, look at no image */
	bool     backwards;        /* for a history that is given */
	const char *only;
	uint64_t cuts, deaths, judged, again, deep;
	unsigned histories, violations, failures;
	struct rfm_lying_disk *bench;      /* where images are opened */
	struct rfm_lying_disk *deep_disk;  /* where some are explored */
} all = { .seed = 1, .random_histories = 40, .keep_going = 4,
    .go_deep = 256, .effort = { .all_below = 48, .random = 12 },
    .drop = -1 };
/* explorer: the parts */
/* mix numbers into hashes */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t
mix_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t       word;

	for (; n > 0; n -= n < 8 ? n : 8, at += 8) {
		word = 0;
		memcpy(&word, at, n < 8 ? n : 8);
		hash = mix(hash ^ word);
	}
	return hash;
}

static void *
must(void *memory)
{
	if (memory == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(2);
	}
	return memory;
}
/* report a violation */
static const char *const barrier_names[RFM_BARRIERS] = {
	[RFM_BARRIER_FORMAT] = "FORMAT",
	[RFM_BARRIER_DIRECTORY] = "DIRECTORY",
	[RFM_BARRIER_PRIOR] = "PRIOR",
	[RFM_BARRIER_SEGMENT] = "SEGMENT",
	[RFM_BARRIER_FLIP] = "FLIP",
	[RFM_BARRIER_PAYLOAD] = "PAYLOAD",
	[RFM_BARRIER_COMMIT] = "COMMIT",
};

static void
print_word(const char *script, unsigned word)
{
	const char *at = script;

	for (unsigned i = 0; i < word && *at != '\0'; i++) {
		at += strcspn(at, " ");
		at += strspn(at, " 0123456789");
	}
	printf("%.*s", (int)strcspn(at, " "), at);
}
static void __attribute__((format(printf, 2, 3)))
violation(struct run *run, const char *format, ...)
{
	va_list arguments;

	if (run->failed)
		return;
	run->failed = true;
	all.violations++;
	printf("# VIOLATION in history \"%s\"%s\n#   script: %s\n#   word"
	    " %u: ", run->name, run->depth > 0 ? " (from an image)" : "",
	    run->script, run->word + 1);
	print_word(run->script, run->word);
	printf("\n#   ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}
/* remember which hashes were seen */
struct set {
	uint64_t *slots, count, room;
};

static struct set seen_images, seen_verdicts;

static void set_grow(struct set *set);

static bool
set_add(struct set *set, uint64_t hash)
{
	uint64_t at;

	if (hash == 0)
		hash = 1;
	if (2 * set->count >= set->room)
		set_grow(set);
	at = hash & (set->room - 1);
	while (set->slots[at] != 0 && set->slots[at] != hash)
		at = (at + 1) & (set->room - 1);
	if (set->slots[at] == hash)
		return false;
	set->slots[at] = hash;
	set->count++;
	return true;
}
static void
set_grow(struct set *set)
{
	struct set old = *set;

	set->room = old.room == 0 ? 1u << 16 : 2 * old.room;
	set->slots = must(calloc(set->room, sizeof *set->slots));
	set->count = 0;
	for (uint64_t i = 0; i < old.room; i++)
		if (old.slots[i] != 0)
			(void)set_add(set, old.slots[i]);
	free(old.slots);
}
/* fill payloads and compare them */
static void
fill(void *to, uint64_t bytes, uint64_t seed)
{
	uint8_t *at = to;

	for (uint64_t i = 0; i < bytes; i += 8) {
		uint64_t word = mix(seed + i) | 0x0101010101010101u;

		memcpy(at + i, &word, bytes - i < 8 ? bytes - i : 8);
	}
}

static bool
holds(const void *from, uint64_t bytes, uint64_t seed)
{
	const uint8_t *at = from;

	for (uint64_t i = 0; i < bytes; i += 8) {
		uint64_t word = mix(seed + i) | 0x0101010101010101u;

		if (memcmp(at + i, &word, bytes - i < 8 ? bytes - i : 8)
		    != 0)
			return false;
	}
	return true;
}
static bool
right_contents(const struct fact *fact, const void *address)
{
	static const struct rfm_string_disk empty;
	double   numbers[2] = { 0, (double)fact->seed };
	uint64_t cells[] = { fact->vector != 0 ? fact->vector
	    : fact->id - 3, fact->id - 2, fact->id - 1 };

	if (fact->type == RFM_OBJECT)
		return memcmp(address, cells, sizeof cells) == 0;
	if (fact->type == RFM_CHARACTER)
		return memcmp(address, &empty, sizeof empty) == 0;
	if (fact->tells != 0)
		return memcmp(address, numbers, sizeof numbers) == 0;
	return holds(address, fact->length * rfm_type_bytes(fact->type),
	    fact->seed);
}
/* compare catalogs of the oracle */
static bool
same_fact(const struct fact *legal, const struct fact *found)
{
	return (legal->id == found->id || legal->id == 0) &&
	    legal->type == found->type &&
	    legal->length == found->length &&
	    legal->room <= found->room &&
	    legal->sealed == found->sealed &&
	    legal->names == found->names;
}

static bool
is_ghost(const struct fact *fact)
{
	return fact->element && fact->names == 0 && !fact->below;
}
static bool
fits(const struct catalog *legal, const struct catalog *found,
    struct catalog *chosen)
{
	unsigned n = 0;
	uint32_t names = 0;

	memset(chosen, 0, sizeof *chosen);
	for (unsigned i = 0; i < legal->count; i++) {
		const struct fact *fact = &legal->facts[i];

		if (n == found->count || !same_fact(fact,
		    &found->facts[n])) {
			if (!is_ghost(fact))
				return false;
			continue;
		}
		chosen->facts[n] = *fact;
		chosen->facts[n].id = found->facts[n].id;
		names |= fact->names;
		n++;
	}
	chosen->count = n;
	return n == found->count && names == found->names;
}
static bool
same_catalog(const struct catalog *legal, const struct catalog *found)
{
	struct catalog chosen;

	return fits(legal, found, &chosen);
}

static bool
same_names(const struct catalog *legal, const struct catalog *found)
{
	uint32_t names = 0;

	for (unsigned i = 0; i < legal->count; i++) {
		const struct fact *fact = &legal->facts[i];
		bool               there = fact->names == 0;

		names |= fact->names;
		for (unsigned k = 0; k < found->count; k++)
			there |= found->facts[k].id == fact->id &&
			    found->facts[k].names == fact->names;
		if (!there)
			return false;
	}
	return names == found->names;
}

static struct fact *
find_fact(struct catalog *catalog, uint64_t id)
{
	for (unsigned i = 0; i < catalog->count; i++)
		if (catalog->facts[i].id == id)
			return &catalog->facts[i];
	return NULL;
}
/* change catalogs of the oracle */
static void
add_fact(struct catalog *catalog, const struct slot *slot, bool sealed,
    bool known)
{
	struct fact *fact;

	if (catalog->count == MAX_VECTORS)
		return;
	fact = &catalog->facts[catalog->count++];
	memset(fact, 0, sizeof *fact);
	fact->id = slot->id;
	fact->type = slot->type;
	fact->length = slot->length;
	fact->room = slot->length * rfm_type_bytes(slot->type);
	fact->seed = slot->seed;
	fact->sealed = sealed;
	fact->known = known;
}

static void
drop_fact(struct catalog *catalog, uint64_t id)
{
	struct fact *fact = find_fact(catalog, id);
	size_t       behind;

	if (fact == NULL)
		return;
	behind = (size_t)(catalog->facts + catalog->count - fact - 1);
	memmove(fact, fact + 1, behind * sizeof *fact);
	memset(&catalog->facts[--catalog->count], 0, sizeof *fact);
}
static struct fact *
vector_of(struct catalog *catalog, struct fact *object)
{
	return object->vector == 0 ? object - 3
	    : find_fact(catalog, object->vector);
}

static void
see_what_is_below(struct catalog *catalog)
{
	for (unsigned i = 0; i < catalog->count; i++)
		catalog->facts[i].below = false;
	for (unsigned i = 0; i < catalog->count; i++) {
		struct fact *fact = &catalog->facts[i];

		if (fact->type != RFM_OBJECT || fact->names == 0)
			continue;
		fact[-1].below = fact[-2].below = true;
		vector_of(catalog, fact)->below = true;
	}
}
static struct fact *
named_fact(struct catalog *catalog, uint64_t name)
{
	for (unsigned i = 0; i < catalog->count; i++)
		if ((catalog->facts[i].names & 1u << name) != 0)
			return &catalog->facts[i];
	return NULL;
}

static void
bind(struct catalog *catalog, uint64_t name, struct fact *to)
{
	struct fact *old = named_fact(catalog, name);

	if (old != NULL)
		old->names &= ~(1u << name);
	if (to != NULL) {
		to->names |= 1u << name;
		to->sealed = true;
	}
	see_what_is_below(catalog);
}
static struct fact *
add_element(struct catalog *catalog, uint32_t type, uint64_t length,
    uint64_t seed)
{
	struct slot slot = { .type = type, .length = length,
	    .seed = seed };

	add_fact(catalog, &slot, true, true);
	catalog->facts[catalog->count - 1].element = true;
	return &catalog->facts[catalog->count - 1];
}

static void
add_object(struct catalog *catalog, const struct fact *vector)
{
	struct fact *old = find_fact(catalog, vector->id), *fact;

	if (vector->id == 0)
		add_element(catalog, RFM_NUMERIC, vector->length,
		    vector->seed)->room = vector->room;
	else
		old->length = vector->length;
	add_element(catalog, RFM_CHARACTER, 1, 0);
	fact = add_element(catalog, RFM_NUMERIC, 2, vector->length);
	fact->tells = 1;
	fact = add_element(catalog, RFM_OBJECT, 3, 0);
	fact->vector = vector->id;
}
static void
describe(const struct catalog *catalog, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < catalog->count && used + 1 < bytes; i++) {
		const struct fact *f = &catalog->facts[i];
		int n = snprintf(text + used, bytes - used,
		    "%s%" PRIu64 ":%" PRIu64 "%s", i > 0 ? " " : "",
		    f->id, f->length, f->sealed ? "s" : "");

		used += n < 0 ? 0 : (size_t)n;
		for (int k = 0; k < MAX_NAMES; k++)
			if ((f->names & 1u << k) != 0 && used + 2 < bytes)
				used += (size_t)sprintf(text + used, "%c",
				    'a' + k);
	}
}
/* keep the points of an era */
static void
add_possible(struct point *point, const struct catalog *catalog)
{
	for (unsigned i = 0; i < point->possibles; i++)
		if (memcmp(&point->possible[i], catalog, sizeof *catalog)
		    == 0)
			return;
	if (point->possibles < MAX_POSSIBLE)
		point->possible[point->possibles++] = *catalog;
}

static struct point *
open_point(struct run *run, bool inside)
{
	struct point *point;

	if (run->point_count == run->point_room) {
		run->point_room = 2 * run->point_room + 64;
		run->points = must(realloc(run->points,
		    run->point_room * sizeof *run->points));
	}
	point = &run->points[run->point_count];
	memset(point, 0, sizeof *point);
	point->word = run->word;
	point->inside = inside;
	point->born = run->born;
	point->dark = run->after_cut;
	point->max_id = run->max_id;
	for (unsigned i = 0; i < run->possibles; i++)
		add_possible(point, &run->possible[i]);
	point->before = run->now;
	point->after = run->ambiguous ? run->other : run->now;
	rfm_lying_mark(run->disk, run->point_count++);
	return point;
}
static void
close_point(struct point *point)
{
	uint64_t hash = point->born;

	for (unsigned i = 0; i < point->possibles; i++)
		hash = mix_bytes(hash, &point->possible[i],
		    sizeof point->possible[i]);
	point->cut_key = hash | 1;
	hash = mix_bytes(point->born, &point->before,
	    sizeof point->before);
	hash = mix_bytes(hash, &point->after, sizeof point->after);
	point->death_key = hash & ~1ull;
}
/* read the catalog of an open store */
struct listing {
	struct catalog         catalog;
	struct rfm_record_info info[MAX_VECTORS];
	bool                   too_many;
};

static bool
list_record(void *context, const struct rfm_record_info *info)
{
	struct listing *listing = context;
	struct catalog *catalog = &listing->catalog;
	struct slot     slot = { .id = info->id, .type = info->type,
	    .length = info->length };

	if (info->state != RFM_COMMITTED && info->state != RFM_SEALED)
		return true;
	if (catalog->count == MAX_VECTORS) {
		listing->too_many = true;
		return false;
	}
	listing->info[catalog->count] = *info;
	add_fact(catalog, &slot, info->state == RFM_SEALED, false);
	catalog->facts[catalog->count - 1].room = info->bytes;
	return true;
}
static bool
list_name(void *context, const struct rfm_name_info *info)
{
	struct catalog *catalog = context;
	struct fact    *fact = find_fact(catalog, info->id);
	uint32_t        bit = 1u << (info->name[0] - 'a');

	catalog->names |= bit;
	if (fact != NULL && info->name_bytes == 1)
		fact->names |= bit;
	return true;
}

static void
list_store(struct rfm_store *store, struct listing *listing)
{
	memset(listing, 0, sizeof *listing);
	rfm_store_each(store, list_record, listing);
	rfm_store_names(store, list_name, &listing->catalog);
}
/* compare the contents of all vectors */
static bool
is_whole(struct catalog *catalog, const struct fact *fact)
{
	return fact->type != RFM_OBJECT ||
	    (find_fact(catalog, fact->id - 1) != NULL &&
	    find_fact(catalog, fact->id - 2) != NULL &&
	    find_fact(catalog, fact->vector != 0 ? fact->vector
	    : fact->id - 3) != NULL);
}
static bool
contents_hold(struct rfm_store *store, struct catalog *chosen,
    char *text, size_t bytes)
{
	struct rfm_error error;

	for (unsigned i = 0; i < chosen->count; i++) {
		const struct fact  *fact = &chosen->facts[i];
		struct rfm_payload *payload;
		bool                right;

		if (!is_whole(chosen, fact)) {
			snprintf(text, bytes, "object %" PRIu64 " is not"
			    " whole", fact->id);
			return false;
		}
		if (!fact->known)
			continue;
		if (rfm_store_find(store, fact->id, &payload,
		    &error) != RFM_OK) {
			snprintf(text, bytes, "vector %" PRIu64 ": %.200s",
			    fact->id, error.text);
			return false;
		}
		right = payload->reach >= fact->length &&
		    right_contents(fact, payload->address);
		rfm_payload_release(payload);
		if (!right) {
			snprintf(text, bytes, "the contents of vector %"
			    PRIu64 " are wrong", fact->id);
			return false;
		}
	}
	return true;
}
/* living through a history */
static void explore_era(struct run *run);

/* end a process */
static void
leave_process(struct run *run)
{
	for (unsigned i = 0; i < run->slot_count; i++) {
		struct slot *slot = &run->slots[i];

		if (slot->payload != NULL)
			rfm_payload_release(slot->payload);
		slot->payload = NULL;
		if (slot->id == 0)
			slot->gone = true;
	}
	if (run->store != NULL)
		rfm_store_release(run->store);
	run->store = NULL;
	if (run->os != NULL)
		rfm_lying_end(run->os);
	run->os = NULL;
}
/* recognise what was opened */
static void
adopt(struct run *run, const struct catalog *chosen)
{
	for (unsigned i = 0; i < chosen->count; i++)
		if (chosen->facts[i].id > run->max_id)
			run->max_id = chosen->facts[i].id;
	run->now = *chosen;
	run->ambiguous = false;
	for (unsigned i = 0; i < run->slot_count; i++) {
		struct slot *slot = &run->slots[i];

		if (slot->id == 0 || find_fact(&run->now, slot->id) == NULL)
			slot->gone = true;
	}
}
static bool
recognise(struct run *run, const struct catalog *found)
{
	struct catalog chosen;
	char           text[1000], legal[1000];

	if (fits(&run->now, found, &chosen) || (run->ambiguous &&
	    fits(&run->other, found, &chosen))) {
		adopt(run, &chosen);
		return true;
	}
	describe(found, text, sizeof text);
	describe(&run->now, legal, sizeof legal);
	violation(run, "opened and found [%s] instead of [%s]", text,
	    legal);
	return false;
}
static bool
recognise_after_cut(struct run *run, const struct catalog *found)
{
	struct catalog chosen;
	char           text[1000];

	for (unsigned i = 0; i < run->possibles; i++)
		if (fits(&run->possible[i], found, &chosen)) {
			adopt(run, &chosen);
			run->possible[0] = run->now;
			run->possibles = 1;
			return true;
		}
	describe(found, text, sizeof text);
	violation(run, "after the power cut found [%s]", text);
	return false;
}
/* open the store in a new process */
static uint64_t
epoch_of(const struct run *run)
{
	struct rfm_store_info info;

	if (run->store == NULL)
		return 0;
	rfm_store_describe(run->store, &info);
	return info.epoch;
}

static enum rfm_status
do_open(struct run *run, bool after_cut, struct rfm_error *error)
{
	struct rfm_open_options options = writing;
	struct listing          listing;
	char                    text[300];
	bool                    created;
	enum rfm_status         status;

	options.create = true;
	run->half = false;
	run->os = rfm_lying_start(run->disk);
	status = rfm_store_open(run->os, STORE_NAME, &options, &run->store,
	    &created, error);
	if (status != RFM_OK) {
		run->store = NULL;
		return status;
	}
	list_store(run->store, &listing);
	if (after_cut && run->born
	    ? !recognise_after_cut(run, &listing.catalog)
	    : !recognise(run, &listing.catalog))
		return RFM_OK;
	run->born = true;
	run->opened = epoch_of(run);
	if (!contents_hold(run->store, &run->now, text, sizeof text))
		violation(run, "after opening: %s", text);
	return RFM_OK;
}
/* begin and end an operation */
struct operation {
	unsigned       point;
	struct catalog after;       /* what it would leave */
	uint64_t       epoch;
	bool           commits;     /* meant to */
	bool           grouped;     /* in several records */
};

static void
begin_operation(struct run *run, struct operation *operation)
{
	operation->epoch = epoch_of(run);
	operation->point = run->point_count;
	if (!run->ambiguous)
		open_point(run, true)->after = operation->after;
	else
		open_point(run, true);
}
static void
now_possible(struct run *run, const struct catalog *only)
{
	run->possible[0] = *only;
	run->possibles = 1;
}

static void operation_failed(struct run *run,
    const struct operation *operation, const struct rfm_error *error);

static void
end_operation(struct run *run, struct operation *operation,
    enum rfm_status status, const struct rfm_error *error)
{
	struct point *point = &run->points[operation->point];

	if (status != RFM_OK && !run->fault_armed)
		violation(run, "it failed: %s", error->text);
	if (operation->commits || status != RFM_OK ||
	    (run->store != NULL && epoch_of(run) != operation->epoch)) {
		add_possible(point, &run->now);
		if (status == RFM_OK)
			now_possible(run, &run->now);
	}
	close_point(point);
	if (status != RFM_OK)
		operation_failed(run, operation, error);
	else if (!run->ambiguous)
		run->now = operation->after;
	if (status == RFM_OK && operation->commits)
		now_possible(run, &run->now);
}

static void
after_operation(struct run *run)
{
	close_point(open_point(run, false));
}
/* see how an operation failed */
static void
operation_failed(struct run *run, const struct operation *operation,
    const struct rfm_error *error)
{
	struct listing        listing;
	struct rfm_store_info info;

	if (run->possibles < MAX_POSSIBLE)
		run->possible[run->possibles++] = run->now;
	if (run->store != NULL && !rfm_lying_is_dead(run->os)) {
		rfm_store_describe(run->store, &info);
		list_store(run->store, &listing);
		run->half |= info.poisoned && operation->grouped;
		if (!(run->half ? same_names : same_catalog)(&run->now,
		    &listing.catalog))
			violation(run, "a failed operation changed the"
			    " catalog");
		if (operation->commits && !info.poisoned &&
		    run->flush_armed && error->status == RFM_IO)
			violation(run, "a failed sync may be tried again");
		if (!info.poisoned)
			return;
	}
	if (!run->ambiguous) {
		run->ambiguous = true;
		run->other = operation->after;
	}
}
/* take new ids and slots */
static void
take_id(struct run *run, struct slot *slot, struct catalog *catalog)
{
	slot->id = slot->payload->id;
	catalog->facts[catalog->count - 1].id = slot->id;
	if (slot->id <= run->max_id)
		violation(run, "the id %" PRIu64 " was handed out before",
		    slot->id);	/* I9 */
	run->max_id = slot->id;
}

static void
take_named_id(struct run *run, struct slot *slot, struct catalog *catalog)
{
	unsigned i = 0;

	while (catalog->facts[i].id != 0)
		i++;
	slot->id = catalog->facts[i].id = slot->payload->id;
	if (slot->id <= run->max_id)
		violation(run, "the id %" PRIu64 " was handed out before",
		    slot->id);	/* I9 */
	run->max_id = slot->id;
}

static struct slot *
new_slot(struct run *run, uint64_t length)
{
	static const uint32_t types[] = { RFM_NUMERIC, RFM_INTEGER,
	    RFM_RAW, RFM_LOGICAL, RFM_COMPLEX };
	struct slot *slot = &run->slots[run->slot_count];

	memset(slot, 0, sizeof *slot);
	slot->length = length;
	slot->type = types[run->slot_count % 5];
	slot->seed = mix(run->slot_count + 1);
	run->slot_count++;
	return slot;
}
/* create, fill, seal and destroy vectors */
static enum rfm_status
do_create(struct run *run, uint64_t length, bool temporary,
    struct rfm_error *error)
{
	struct slot     *slot = new_slot(run, length);
	struct operation operation = { .after = run->now };
	enum rfm_status  status;

	if (!temporary)
		add_fact(&operation.after, slot, false, false);
	begin_operation(run, &operation);
	status = (temporary ? rfm_store_temporary : rfm_store_create)(
	    run->store, slot->type, length, true, RFM_GROW,
	    &slot->payload, error);
	slot->gone = status != RFM_OK;
	if (status == RFM_OK) {
		fill(slot->payload->address, slot->payload->bytes,
		    slot->seed);
		if (!temporary)
			take_id(run, slot, &operation.after);
	}
	end_operation(run, &operation, status, error);
	if (status == RFM_OK && !temporary && !run->ambiguous)
		run->now.facts[run->now.count - 1].known = true;
	return status;
}
static void
forget_contents(struct run *run, uint64_t id)
{
	struct fact *fact;

	for (unsigned i = 0; i < run->possibles; i++) {
		fact = find_fact(&run->possible[i], id);
		if (fact != NULL)
			fact->known = false;
	}
	fact = find_fact(&run->reader_view, id);
	if (fact != NULL)
		fact->known = false;
	fact = find_fact(&run->other, id);
	if (fact != NULL)
		fact->known = false;
}
static enum rfm_status
do_fill(struct run *run, struct slot *slot, const uint64_t *n,
    struct rfm_error *error)
{
	struct fact *fact = find_fact(&run->now, slot->id);

	(void)n, (void)error;
	if (slot->id != 0 && (fact == NULL || fact->sealed ||
	    slot->payload->state == RFM_SEALED))
		return RFM_OK;
	slot->seed = mix(slot->seed);
	if (fact != NULL) {
		forget_contents(run, slot->id);
		fact->known = false;
		fact->seed = slot->seed;
		close_point(open_point(run, true));
	}
	fill(slot->payload->address, slot->payload->bytes, slot->seed);
	if (fact != NULL)
		fact->known = true;
	return RFM_OK;
}
static enum rfm_status
do_seal(struct run *run, struct slot *slot, const uint64_t *n,
    struct rfm_error *error)
{
	struct operation operation = { .after = run->now };
	bool             temporary = slot->id == 0;
	struct fact     *fact = find_fact(&operation.after, slot->id);
	enum rfm_status  status;

	(void)n;
	if (temporary)
		add_fact(&operation.after, slot, true, true);
	else if (fact != NULL)
		fact->sealed = !(fact->element = false);
	begin_operation(run, &operation);
	status = rfm_store_seal(slot->payload, error);
	if (status == RFM_OK && temporary)
		take_id(run, slot, &operation.after);
	end_operation(run, &operation, status, error);
	return status;
}
static enum rfm_status
do_destroy(struct run *run, struct slot *slot, const uint64_t *n,
    struct rfm_error *error)
{
	struct operation   operation = { .after = run->now };
	const struct fact *fact = find_fact(&run->now, slot->id);
	enum rfm_status    status;

	(void)n;
	if (fact != NULL && (fact->names != 0 || fact->below)) {
		if (rfm_store_destroy(slot->payload, true, error) !=
		    RFM_HAS_PARENT)
			violation(run, "a named vector can be destroyed");
		return RFM_HAS_PARENT;
	}
	if (slot->id != 0)
		drop_fact(&operation.after, slot->id);
	begin_operation(run, &operation);
	status = rfm_store_destroy(slot->payload, true, error);
	if (status == RFM_OK) {
		rfm_payload_release(slot->payload);
		slot->payload = NULL;
		slot->gone = true;
	}
	end_operation(run, &operation, status, error);
	return status;
}
/* put, exchange and take away names */
static struct slot *
slot_of(struct run *run, uint64_t id)
{
	for (unsigned i = 0; i < run->slot_count; i++)
		if (run->slots[i].id == id)
			return &run->slots[i];
	return NULL;
}

static void
forget_ghosts(struct run *run)
{
	struct listing listing;

	if (run->store == NULL || run->ambiguous || rfm_lying_is_dead(run->os))
		return;
	list_store(run->store, &listing);
	for (unsigned i = 0; i < run->now.count; i++) {
		uint64_t     id = run->now.facts[i].id;
		struct slot *slot = slot_of(run, id);

		if (!is_ghost(&run->now.facts[i]) ||
		    find_fact(&listing.catalog, id) != NULL)
			continue;
		if (slot != NULL && slot->payload != NULL)
			violation(run, "vector %" PRIu64 " was freed while"
			    " in use", id);
		if (slot != NULL)
			slot->gone = true;
		drop_fact(&run->now, id);
		i--;
	}
}
static struct rfm_change
naming(uint64_t name, struct rfm_payload *value)
{
	static const char letters[] = "abcdef";

	return (struct rfm_change){ letters + name, "what is it?", 1,
	    name % 2 == 0 ? 0 : 11, 1, value };
}

static enum rfm_status
change_names(struct run *run, const struct rfm_change *changes,
    size_t count, struct operation *operation, struct slot *slots,
    struct rfm_error *error)
{
	enum rfm_status status;

	operation->grouped = true;
	begin_operation(run, operation);
	status = rfm_store_change(run->store, changes, count, error);
	for (size_t i = 0; status == RFM_OK && slots != NULL && i < count;
	    i++)
		if (slots[i].id == 0)
			take_named_id(run, &slots[i], &operation->after);
	end_operation(run, operation, status, error);
	return status;
}
static enum rfm_status
do_put(struct run *run, struct slot *slot, const uint64_t *n,
    struct rfm_error *error)
{
	struct operation  operation = { .after = run->now };
	struct rfm_change change = naming(n[1] % MAX_NAMES, slot->payload);

	if (slot->id == 0) {
		add_fact(&operation.after, slot, true, true);
		operation.after.facts[operation.after.count - 1].element =
		    true;
	}
	bind(&operation.after, n[1] % MAX_NAMES,
	    find_fact(&operation.after, slot->id));
	return change_names(run, &change, 1, &operation, slot, error);
}
static enum rfm_status
do_three(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	struct operation  operation = { .after = run->now };
	struct slot      *slots = &run->slots[run->slot_count];
	struct rfm_change changes[3];
	enum rfm_status   status = RFM_OK;

	if (run->slot_count + 3 > MAX_SLOTS ||
	    run->now.count + 3 > MAX_VECTORS)
		return RFM_OK;
	for (unsigned i = 0; i < 3; i++)
		if (do_create(run, n[0] + i, true, error) != RFM_OK)
			status = error->status;
	for (unsigned i = 0; status == RFM_OK && i < 3; i++) {
		changes[i] = naming(i, slots[i].payload);
		add_fact(&operation.after, &slots[i], true, true);
		operation.after.facts[operation.after.count - 1].element =
		    true;
		bind(&operation.after, i, &operation.after.facts[
		    operation.after.count - 1]);
	}
	if (status == RFM_OK)
		status = change_names(run, changes, 3, &operation, slots,
		    error);
	for (unsigned i = 0; i < 3; i++) {
		if (slots[i].payload != NULL)
			rfm_payload_release(slots[i].payload);
		slots[i].payload = NULL;
		slots[i].gone |= slots[i].id == 0;
	}
	return status;
}
static enum rfm_status
do_unname(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	struct operation  operation = { .after = run->now };
	struct rfm_change change = naming(n[0] % MAX_NAMES, NULL);

	if (named_fact(&run->now, n[0] % MAX_NAMES) == NULL) {
		if (rfm_store_change(run->store, &change, 1, error) ==
		    RFM_OK)
			violation(run, "a name that is not there was taken"
			    " away");
		return RFM_OK;
	}
	bind(&operation.after, n[0] % MAX_NAMES, NULL);
	return change_names(run, &change, 1, &operation, NULL, error);
}

static enum rfm_status
do_rename(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	uint64_t            from = n[0] % MAX_NAMES, to = n[1] % MAX_NAMES;
	struct operation    operation = { .after = run->now };
	struct fact        *fact = named_fact(&operation.after, from);
	struct rfm_payload *value;
	struct rfm_change   changes[2];
	enum rfm_status     status;

	if (fact == NULL || from == to)
		return RFM_OK;
	RFM_TRY(rfm_store_find(run->store, fact->id, &value, error));
	changes[0] = naming(from, NULL);
	changes[1] = naming(to, value);
	bind(&operation.after, from, NULL);
	bind(&operation.after, to, fact);
	status = change_names(run, changes, 2, &operation, NULL, error);
	rfm_payload_release(value);
	return status;
}
/* sync, close and open as operations */
static uint64_t
held_bytes(const struct run *run)
{
	struct rfm_store_info info;

	rfm_store_describe(run->store, &info);
	return info.held_bytes;
}

static bool
haunted(struct run *run)
{
	for (unsigned i = 0; i < run->now.count; i++) {
		const struct fact *fact = &run->now.facts[i];
		const struct slot *slot = slot_of(run, fact->id);

		if (is_ghost(fact) && (slot == NULL ||
		    slot->payload == NULL))
			return true;
	}
	return false;
}
static void
question_a_commit(struct run *run)
{
	char text[1000];

	if (run->reader_os == NULL && held_bytes(run) != 0)
		violation(run, "freed room is still held after a commit");
	if (epoch_of(run) != run->opened && haunted(run)) {
		describe(&run->now, text, sizeof text);
		violation(run, "a commit left what nobody can find: [%s]",
		    text);
	}
}

static enum rfm_status
do_sync(struct run *run, bool and_close, struct rfm_error *error)
{
	struct operation operation = { .after = run->now,
	    .commits = true };
	enum rfm_status  status;

	begin_operation(run, &operation);
	status = and_close ? rfm_store_close(run->store, error)
	    : rfm_store_sync(run->store, error);
	if (and_close && status == RFM_OK)
		leave_process(run);
	end_operation(run, &operation, status, error);
	if (and_close && status != RFM_OK)
		leave_process(run);
	forget_ghosts(run);
	if (status == RFM_OK && run->store != NULL && !run->fault_armed)
		question_a_commit(run);
	return status;
}
static void
do_open_word(struct run *run)
{
	struct operation operation = { .after = run->now };
	struct rfm_error error = { RFM_OK, 0, "" };
	struct rfm_lying_fault none = { .nth = 0 };
	bool             after_cut = run->after_cut;
	enum rfm_status  status;

	if (run->store != NULL)
		return;
	rfm_lying_fail(run->disk, &none);
	run->fault_armed = false;
	begin_operation(run, &operation);
	close_point(&run->points[operation.point]);
	status = do_open(run, after_cut, &error);
	if (status != RFM_OK) {
		if (!run->fault_armed)
			violation(run, "it failed: %s", error.text);
		leave_process(run);
	} else {
		run->after_cut = false;
	}
	after_operation(run);
}
/* put objects and append to them */
static enum rfm_status
take_temporary(struct run *run, uint32_t type, uint64_t length,
    uint64_t room, struct rfm_payload **payload, struct rfm_error *error)
{
	struct operation operation = { .after = run->now };
	enum rfm_status  status;

	begin_operation(run, &operation);
	status = rfm_store_roomy(run->store, type, length, room, true,
	    RFM_GROW, payload, error);
	if (status != RFM_OK)
		*payload = NULL;
	end_operation(run, &operation, status, error);
	return status;
}

static void
let_go(struct rfm_payload *payload)
{
	if (payload != NULL)
		rfm_payload_release(payload);
}
static enum rfm_status
make_object(struct run *run, struct rfm_payload *vector, uint64_t length,
    struct rfm_payload **object, struct rfm_error *error)
{
	struct rfm_payload *names = NULL, *tells = NULL;
	enum rfm_status     status;

	status = take_temporary(run, RFM_OBJECT, 3, 3, object, error);
	if (status == RFM_OK)
		status = take_temporary(run, RFM_CHARACTER, 1, 1, &names,
		    error);
	if (status == RFM_OK)
		status = take_temporary(run, RFM_NUMERIC, 2, 2, &tells,
		    error);
	if (status == RFM_OK) {
		((double *)tells->address)[1] = (double)length;
		status = rfm_store_link(*object, 0, vector, error);
	}
	if (status == RFM_OK)
		status = rfm_store_link(*object, 1, names, error);
	if (status == RFM_OK)
		status = rfm_store_link(*object, 2, tells, error);
	let_go(names);
	let_go(tells);
	return status;
}
static void
take_object_ids(struct run *run, uint64_t id, struct catalog *catalog)
{
	unsigned k = catalog->count;
	uint64_t first = id + 1;

	while (k-- > 0 && catalog->facts[k].id == 0)
		catalog->facts[k].id = --first;
	if (first <= run->max_id)
		violation(run, "the id %" PRIu64 " was handed out before",
		    first);	/* I9 */
	run->max_id = id;
}

static enum rfm_status
put_object(struct run *run, uint64_t name, struct rfm_payload *vector,
    const struct fact *meant, struct rfm_error *error)
{
	struct rfm_payload *object = NULL;
	struct operation    operation = { .grouped = true };
	enum rfm_status     status;
	struct rfm_change   change;

	status = make_object(run, vector, meant->length, &object, error);
	if (status == RFM_OK) {
		change = naming(name, object);
		operation.after = run->now;
		add_object(&operation.after, meant);
		bind(&operation.after, name, &operation.after.facts[
		    operation.after.count - 1]);
		begin_operation(run, &operation);
		status = rfm_store_change(run->store, &change, 1, error);
		if (status == RFM_OK)
			take_object_ids(run, object->id, &operation.after);
		end_operation(run, &operation, status, error);
	}
	let_go(object);
	return status;
}
static bool
is_crowded(const struct run *run)
{
	return run->now.count + OBJECT_FACTS > MAX_VECTORS;
}

static enum rfm_status
do_table(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	struct fact         meant = { .length = n[0],
	    .room = n[0] * sizeof(double), .seed = mix(~run->objects++) };
	struct rfm_payload *vector;
	enum rfm_status     status;

	if (is_crowded(run))
		return RFM_OK;
	RFM_TRY(take_temporary(run, RFM_NUMERIC, n[0], n[0], &vector,
	    error));
	fill(vector->address, meant.room, meant.seed);
	status = put_object(run, n[1] % MAX_NAMES, vector, &meant, error);
	rfm_payload_release(vector);
	return status;
}
static enum rfm_status
write_behind(struct run *run, struct rfm_payload *vector,
    const struct fact *old, uint64_t count, struct rfm_error *error)
{
	struct operation operation = { .after = run->now };
	uint64_t         end = old->length * sizeof(double);
	uint64_t         bytes = count * sizeof(double);
	void            *address;
	enum rfm_status  status;

	begin_operation(run, &operation);
	status = rfm_store_reach(vector, old->length, count, &address,
	    error);
	if (status == RFM_OK)
		fill(address, bytes, old->seed + end);
	end_operation(run, &operation, status == RFM_NO_ROOM ? RFM_OK
	    : status, error);
	if (!run->fault_armed && (status == RFM_OK ?
	    end + bytes > vector->room : end + bytes <= old->room))
		violation(run, "there should be %s room behind %" PRIu64
		    " elements", status == RFM_OK ? "no" : "enough",
		    old->length);
	if (status == RFM_OK && find_fact(&run->now, old->id) != NULL)
		find_fact(&run->now, old->id)->room = vector->room;
	return status;
}
static enum rfm_status
copy_with_room(struct run *run, struct rfm_payload **vector,
    struct fact *meant, uint64_t count, struct rfm_error *error)
{
	uint64_t            end = meant->length * sizeof(double);
	uint64_t            sum = meant->length + count;
	struct rfm_payload *copy;
	char               *address;

	RFM_TRY(take_temporary(run, RFM_NUMERIC, sum, sum + sum / 2, &copy,
	    error));
	address = copy->address;
	memcpy(address, (*vector)->address, end);
	fill(address + end, count * sizeof(double), meant->seed + end);
	rfm_payload_release(*vector);
	*vector = copy;
	meant->id = 0;
	meant->room = (sum + sum / 2) * sizeof(double);
	return RFM_OK;
}
static enum rfm_status
do_append(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	struct fact        *object = named_fact(&run->now,
	    n[0] % MAX_NAMES);
	struct fact         meant;
	struct rfm_payload *vector;
	enum rfm_status     status;

	if (object == NULL || object->type != RFM_OBJECT ||
	    is_crowded(run))
		return RFM_OK;
	meant = *vector_of(&run->now, object);
	RFM_TRY(rfm_store_find(run->store, meant.id, &vector, error));
	status = write_behind(run, vector, &meant, n[1], error);
	if (status == RFM_NO_ROOM)
		status = copy_with_room(run, &vector, &meant, n[1], error);
	meant.length += n[1];
	if (status == RFM_OK)
		status = put_object(run, n[0] % MAX_NAMES, vector, &meant,
		    error);
	rfm_payload_release(vector);
	return status;
}
static enum rfm_status
do_hold(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	struct fact *object = named_fact(&run->now, n[0] % MAX_NAMES);
	struct fact *vector;
	struct slot *slot;

	if (object == NULL || object->type != RFM_OBJECT)
		return RFM_OK;
	vector = vector_of(&run->now, object);
	slot = slot_of(run, vector->id);
	if (slot != NULL && slot->payload != NULL)
		return RFM_OK;
	if (slot == NULL)
		slot = new_slot(run, vector->length);
	slot->id = vector->id;
	slot->type = vector->type;
	slot->gone = false;
	return rfm_store_find(run->store, slot->id, &slot->payload, error);
}
/* compact, trim and clear */
static void
expect_unmoved(struct run *run, const struct listing *listing)
{
	for (unsigned i = 0; i < listing->catalog.count; i++) {
		const struct rfm_record_info *info = &listing->info[i];
		const struct slot            *slot = slot_of(run, info->id);

		if (slot != NULL && slot->payload != NULL &&
		    slot->payload->offset != info->offset)
			violation(run, "vector %" PRIu64 " was moved while"
			    " in use", info->id);
	}
}

static void
expect_everything(struct run *run)
{
	struct listing listing;
	char           text[300];

	forget_ghosts(run);
	list_store(run->store, &listing);
	if (!same_catalog(&run->now, &listing.catalog))
		violation(run, "the session sees another catalog");
	else if (!contents_hold(run->store, &run->now, text, sizeof text))
		violation(run, "in the session: %s", text);
	expect_unmoved(run, &listing);
	question_a_commit(run);
}
static enum rfm_status
one_step(struct run *run, struct rfm_compaction *c,
    struct rfm_error *error)
{
	struct operation operation = { .after = run->now,
	    .commits = true };
	enum rfm_status  status;

	begin_operation(run, &operation);
	status = rfm_store_compact(run->store, c, error);
	end_operation(run, &operation, status, error);
	if (status == RFM_OK && !run->fault_armed)
		expect_everything(run);
	return status;
}
static enum rfm_status
do_compact(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	struct rfm_compaction c = { n[0] == 0 ? 1 : n[0], 1, 0, false };
	uint64_t              aside = 0;

	for (unsigned steps = 0; c.moved > 0; steps++) {
		c.may_set_aside = aside < n[1];
		RFM_TRY(one_step(run, &c, error));
		aside += c.set_aside > 0;
		if (run->failed)
			break;
		if (steps == 300)
			violation(run, "compaction does not come to an"
			    " end");
	}
	return RFM_OK;
}
static void
note_end(void *context, const struct rfm_extent_info *info)
{
	uint64_t *end = context;

	if (info->offset + info->bytes > *end)
		*end = info->offset + info->bytes;
}

static enum rfm_status
do_trim(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	struct operation      operation = { .after = run->now,
	    .commits = true };
	struct rfm_store_info info;
	uint64_t              end = RFM_FILE_MIN_BYTES;
	enum rfm_status       status;

	(void)n;
	begin_operation(run, &operation);
	status = rfm_store_trim(run->store, error);
	end_operation(run, &operation, status, error);
	if (status != RFM_OK || run->fault_armed)
		return status;
	expect_everything(run);
	rfm_store_map(run->store, note_end, &end);
	rfm_store_describe(run->store, &info);
	if (info.file_bytes >= end + RFM_FILE_STEP_BYTES)
		violation(run, "the file has %" PRIu64 " bytes, of which"
		    " %" PRIu64 " are needed", info.file_bytes, end);
	return status;
}
static enum rfm_status
take_all_names(struct run *run, struct rfm_error *error)
{
	struct operation  operation = { .after = run->now };
	struct rfm_change changes[MAX_NAMES];
	size_t            count = 0;

	for (unsigned i = 0; i < MAX_NAMES; i++)
		if (named_fact(&run->now, i) != NULL) {
			changes[count++] = naming(i, NULL);
			bind(&operation.after, i, NULL);
		}
	if (count == 0)
		return RFM_OK;
	if (rfm_store_clear(run->store, error) == RFM_OK)
		violation(run, "a store with names can be cleared");
	return change_names(run, changes, count, &operation, NULL, error);
}
static enum rfm_status
do_clear(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	struct operation operation = { .grouped = true };
	enum rfm_status  status;

	(void)n;
	RFM_TRY(take_all_names(run, error));
	begin_operation(run, &operation);
	status = rfm_store_clear(run->store, error);
	for (unsigned i = 0; i < run->slot_count; i++) {
		struct slot *slot = &run->slots[i];

		if (slot->payload != NULL &&
		    slot->payload->state == RFM_DESTROYED) {
			rfm_payload_release(slot->payload);
			slot->payload = NULL;
		}
		slot->gone |= status == RFM_OK && slot->id != 0;
	}
	end_operation(run, &operation, status, error);
	return status;
}
/* let a reader watch */
static void
do_reader(struct run *run)
{
	struct rfm_open_options options = writing;
	struct rfm_error        error;
	struct listing          listing;
	bool                    created;

	options.access = RFM_READ;
	run->reader_os = rfm_lying_start(run->disk);
	if (rfm_store_open(run->reader_os, STORE_NAME, &options,
	    &run->reader, &created, &error) != RFM_OK) {
		violation(run, "the reader: %s", error.text);
		run->reader = NULL;
		return;
	}
	list_store(run->reader, &listing);
	if (!run->ambiguous && !same_catalog(&run->now, &listing.catalog))
		violation(run, "the reader sees another catalog");
	run->reader_view = listing.catalog;
	for (unsigned i = 0; i < listing.catalog.count; i++) {
		struct fact *fact = &run->reader_view.facts[i];
		struct fact *mine = find_fact(&run->now, fact->id);

		if (mine != NULL)
			*fact = *mine;
		if (rfm_store_find(run->reader, fact->id,
		    &run->reader_payloads[i], &error) != RFM_OK)
			violation(run, "the reader: %s", error.text);
	}
}
static void
ask_reader(struct run *run)
{
	for (unsigned i = 0; i < run->reader_view.count; i++) {
		const struct fact *fact = &run->reader_view.facts[i];

		if (fact->known && !right_contents(fact,
		    run->reader_payloads[i]->address))
			violation(run, "the reader's vector %" PRIu64
			    " has changed under it", fact->id);
	}
}

static void
end_reader(struct run *run)
{
	for (unsigned i = 0; i < run->reader_view.count; i++)
		if (run->reader_payloads[i] != NULL)
			rfm_payload_release(run->reader_payloads[i]);
	memset(run->reader_payloads, 0, sizeof run->reader_payloads);
	memset(&run->reader_view, 0, sizeof run->reader_view);
	if (run->reader != NULL)
		rfm_store_release(run->reader);
	run->reader = NULL;
	if (run->reader_os != NULL)
		rfm_lying_end(run->reader_os);
	run->reader_os = NULL;
}
/* bring about accidents */
static void
do_kill(struct run *run)
{
	if (run->os != NULL)
		rfm_lying_kill(run->os);
	leave_process(run);
}

static void
do_fault(struct run *run, const char *verb, uint64_t nth)
{
	struct rfm_lying_fault fault = {
		.call = RFM_LYING_CHANGE, .nth = (uint32_t)nth,
		.status = RFM_IO, .part = nth % 3 * 60
	};

	if (strcmp(verb, "die") == 0)
		fault.deadly = true;
	if (strcmp(verb, "full") == 0) {
		fault.call = RFM_LYING_RESERVE;
		fault.status = RFM_DISK_FULL;
	}
	run->flush_armed = strcmp(verb, "flush") == 0;
	if (run->flush_armed)
		fault.call = RFM_LYING_FLUSH;
	rfm_lying_fail(run->disk, &fault);
	run->fault_armed = true;
}
struct lottery {
	uint64_t               wanted, seen;
	struct rfm_lying_image image;
};

static void
draw_image(void *context, struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice)
{
	struct lottery *lottery = context;

	if (choice->present && lottery->seen++ == lottery->wanted)
		lottery->image = rfm_lying_cut_build(cut, choice);
}
static void
boot_after_cut(struct run *run, uint64_t which)
{
	struct lottery          lottery = { 0, 0, { .present = false } };
	struct rfm_lying_cut   *cut = rfm_lying_cut_begin(run->disk);
	struct rfm_lying_effort effort = all.effort;
	struct rfm_lying_moment moment;

	effort.backwards = run->backwards;
	while (rfm_lying_cut_next(cut, &moment))
		;
	if (which == 1) {
		rfm_lying_cut_each_death(cut, false, draw_image,
		    &lottery);
	} else {
		if (which > 1) {
			lottery.wanted = UINT64_MAX;
			rfm_lying_cut_each(cut, &effort, draw_image,
			    &lottery);
			lottery.wanted = mix(which) % lottery.seen;
			lottery.seen = 0;
		}
		rfm_lying_cut_each(cut, &effort, draw_image,
		    &lottery);
	}
	rfm_lying_boot(run->disk, &lottery.image);
	rfm_lying_cut_end(cut);
}
static void
do_cut(struct run *run, uint64_t which)
{
	if (run->reader_os != NULL)
		rfm_lying_kill(run->reader_os);
	end_reader(run);
	do_kill(run);
	if (!run->sweeping)
		explore_era(run);
	if (run->failed)
		return;
	boot_after_cut(run, which);
	run->point_count = 0;
	run->after_cut = true;
	run->ambiguous = false;
	run->fault_armed = false;
	for (unsigned i = 0; i < run->slot_count; i++)
		if (run->slots[i].id == 0)
			run->slots[i].gone = true;
}
/* turn words into deeds */
static struct slot *
usable_slot(struct run *run, uint64_t k)
{
	struct rfm_error error;
	struct slot     *slot = &run->slots[k];

	if (k >= run->slot_count || slot->gone || run->store == NULL)
		return NULL;
	if (slot->payload == NULL && rfm_store_find(run->store, slot->id,
	    &slot->payload, &error) != RFM_OK) {
		if (!run->fault_armed)
			violation(run, "vector %" PRIu64 ": %s", slot->id,
			    error.text);
		slot->payload = NULL;
		return NULL;
	}
	return slot;
}

static enum rfm_status
do_drop(struct run *run, struct slot *slot, const uint64_t *n,
    struct rfm_error *error)
{
	(void)run, (void)n, (void)error;
	rfm_payload_release(slot->payload);
	slot->payload = NULL;
	slot->gone = slot->id == 0;
	return RFM_OK;
}
static enum rfm_status
create_word(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	return run->now.count == MAX_VECTORS ? RFM_OK
	    : do_create(run, n[0], false, error);
}

static enum rfm_status
temp_word(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	return do_create(run, n[0], true, error);
}

static enum rfm_status
sync_word(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	(void)n;
	return do_sync(run, false, error);
}

static enum rfm_status
close_word(struct run *run, const uint64_t *n, struct rfm_error *error)
{
	(void)n;
	return do_sync(run, true, error);
}
static const struct verb {
	const char *name;
	enum rfm_status (*to_vector)(struct run *, struct slot *,
	    const uint64_t *, struct rfm_error *);
	enum rfm_status (*to_store)(struct run *, const uint64_t *,
	    struct rfm_error *);
} verbs[] = {
	{ "fill", do_fill, NULL }, { "seal", do_seal, NULL },
	{ "destroy", do_destroy, NULL }, { "drop", do_drop, NULL },
	{ "put", do_put, NULL },
	{ "create", NULL, create_word }, { "temp", NULL, temp_word },
	{ "sync", NULL, sync_word }, { "close", NULL, close_word },
	{ "three", NULL, do_three }, { "unname", NULL, do_unname },
	{ "rename", NULL, do_rename }, { "table", NULL, do_table },
	{ "append", NULL, do_append }, { "hold", NULL, do_hold },
	{ "compact", NULL, do_compact }, { "trim", NULL, do_trim },
	{ "clear", NULL, do_clear },
};

static bool
run_verb(struct run *run, const char *name, const uint64_t *n)
{
	const struct verb *v = verbs, *end = verbs +
	    sizeof verbs / sizeof verbs[0];
	struct rfm_error   error;
	struct slot       *slot;

	while (v < end && strcmp(v->name, name) != 0)
		v++;
	if (v == end)
		return false;
	if (v->to_vector != NULL) {
		slot = usable_slot(run, n[0]);
		if (slot != NULL)
			(void)v->to_vector(run, slot, n, &error);
	} else if (run->store != NULL && run->slot_count < MAX_SLOTS) {
		(void)v->to_store(run, n, &error);
	}
	return true;
}
static bool
one_of(const char *verb, const char *list)
{
	size_t n = strlen(verb);

	for (; *list != '\0'; list += strcspn(list, " "),
	    list += strspn(list, " "))
		if (strncmp(list, verb, n) == 0 &&
		    (list[n] == ' ' || list[n] == '\0'))
			return true;
	return false;
}
static void
run_word(struct run *run, const char *verb, const uint64_t *n)
{
	if (strcmp(verb, "open") == 0)
		do_open_word(run);
	else if (strcmp(verb, "kill") == 0)
		do_kill(run);
	else if (strcmp(verb, "cut") == 0)
		do_cut(run, n[0]);
	else if (strcmp(verb, "reader") == 0 && run->reader_os == NULL)
		do_reader(run);
	else if (strcmp(verb, "leave") == 0)
		end_reader(run);
	else if (one_of(verb, "die error flush full"))
		do_fault(run, verb, n[0]);
	else if (!run_verb(run, verb, n) && strcmp(verb, "reader") != 0)
		violation(run, "there is no verb \"%s\"", verb);
}
static const char *
read_word(const char *at, char *verb, size_t room, uint64_t numbers[2])
{
	size_t n = strcspn(at, " ");

	snprintf(verb, room, "%.*s", (int)n, at);
	at += n;
	at += strspn(at, " ");
	for (unsigned i = 0; i < 2; i++) {
		char *end = (char *)at;

		numbers[i] = *at >= '0' && *at <= '9'
		    ? strtoull(at, &end, 10) : 0;
		at = end + strspn(end, " ");
	}
	return at;
}
static void
run_script(struct run *run)
{
	const char *at = run->script;
	char        verb[16];

	for (run->word = 0; *at != '\0' && !run->failed; run->word++) {
		uint64_t numbers[2];

		at = read_word(at, verb, sizeof verb, numbers);
		run_word(run, verb, numbers);
		if (run->os != NULL && rfm_lying_is_dead(run->os))
			leave_process(run);
		if (run->failed)
			break;
		forget_ghosts(run);
		after_operation(run);
		ask_reader(run);
		if (rfm_lying_complaint(run->disk) != NULL)
			violation(run, "%s", rfm_lying_complaint(run->disk));
	}
}
/* judging one image */
struct inquest {
	struct run                    *run;
	const struct point            *point;
	const struct rfm_lying_moment *moment;
	struct rfm_lying_cut          *cut;
	const struct rfm_lying_choice *choice;
	struct rfm_lying_image         image;
	bool                           death;
	struct catalog                 found;    /* with known contents */
	char                           why[1200];
};

/* find the legal answer that fits */
static const struct catalog *
legal_answer(const struct inquest *inquest, const struct catalog *found)
{
	const struct point *point = inquest->point;

	if (inquest->death && !point->dark)
		return same_catalog(&point->before, found) ? &point->before
		    : same_catalog(&point->after, found) ? &point->after
		    : NULL;
	for (unsigned i = 0; i < point->possibles; i++)
		if (same_catalog(&point->possible[i], found))
			return &point->possible[i];
	return NULL;
}
static bool
fits_an_answer(struct inquest *inquest, struct rfm_store *store,
    const struct catalog *found)
{
	const struct point   *point = inquest->point;
	const struct catalog *answers = point->possible;
	unsigned              n = point->possibles;
	struct catalog        deaths[2];
	char                  text[500];

	if (inquest->death && !point->dark) {
		deaths[0] = point->before;
		deaths[1] = point->after;
		answers = deaths;
		n = 2;
	}
	snprintf(text, sizeof text, "the catalog is none of the legal ones");
	for (unsigned i = 0; i < n; i++)
		if (fits(&answers[i], found, &inquest->found) &&
		    contents_hold(store, &inquest->found, text, sizeof text))
			return true;
	snprintf(inquest->why, sizeof inquest->why, "%s", text);
	return false;
}
/* check that extents are disjoint */
static int
by_offset(const void *a, const void *b)
{
	const struct rfm_record_info *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool
extents_are_disjoint(struct inquest *inquest, struct listing *listing)
{
	unsigned n = listing->catalog.count;
	uint64_t end = RFM_HEAP_OFFSET;

	qsort(listing->info, n, sizeof listing->info[0], by_offset);
	for (unsigned i = 0; i < n; i++) {
		const struct rfm_record_info *info = &listing->info[i];

		if (info->offset < end ||
		    info->offset % RFM_GRANULE_BYTES != 0 ||
		    info->offset + info->bytes > inquest->image.size) {
			snprintf(inquest->why, sizeof inquest->why,
			    "the extent of vector %" PRIu64 " overlaps"
			    " another, or is not in the file", info->id);
			return false;
		}
		end = info->offset + info->bytes;
	}
	return true;
}
/* ask for the opinion of the verifier */
static void
keep_finding(void *context, const char *text)
{
	struct inquest *inquest = context;

	if (strstr(text, "note") != text)
		snprintf(inquest->why, sizeof inquest->why,
		    "the verifier: %.500s", text);
}

static bool
verifier_agrees(struct inquest *inquest, struct rfm_os *os)
{
	struct rfm_check_report report;
	struct rfm_error        error;
	enum rfm_status         status;

	status = rfm_check(os, STORE_NAME, keep_finding, inquest, &report,
	    &error);
	if (status == RFM_OK && report.sound)
		return true;
	if (status != RFM_OK)
		snprintf(inquest->why, sizeof inquest->why,
		    "the verifier: %.500s", error.text);
	return false;
}
static bool
only_note_written(struct inquest *inquest, struct rfm_lying_disk *bench)
{
	struct rfm_lying_image now = rfm_lying_present(bench);
	uint64_t               heap = RFM_HEAP_OFFSET;

	if (now.size == inquest->image.size &&
	    memcmp(now.bytes, inquest->image.bytes, RFM_OWNER_OFFSET) == 0 &&
	    memcmp(now.bytes + heap, inquest->image.bytes + heap,
	    now.size - heap) == 0)
		return true;
	snprintf(inquest->why, sizeof inquest->why,
	    "opening it changed the file");
	return false;
}
/* open the image on the bench */
static struct rfm_os *
boot_bench(struct inquest *inquest)
{
	rfm_lying_boot(all.bench, &inquest->image);
	if (inquest->death)
		rfm_lying_same_boot(all.bench, inquest->run->disk);
	return rfm_lying_start(all.bench);
}

static bool
unborn(const struct inquest *inquest, enum rfm_status status)
{
	return !inquest->point->born && (status == RFM_NO_FILE ||
	    status == RFM_FOREIGN || status == RFM_VERSION ||
	    status == RFM_DAMAGED);
}
static bool
opens_well(struct inquest *inquest, struct rfm_os *os)
{
	struct rfm_store *store;
	struct rfm_error  error;
	struct listing    listing;
	char              text[500], why[600];
	bool              created, fine;
	enum rfm_status   status;

	status = rfm_store_open(os, STORE_NAME, &judging, &store, &created,
	    &error);
	if (unborn(inquest, status))
		return true;
	if (status != RFM_OK) {
		snprintf(inquest->why, sizeof inquest->why,
		    "it cannot be opened: %.500s", error.text);
		return false;
	}
	list_store(store, &listing);
	fine = fits_an_answer(inquest, store, &listing.catalog) &&
	    extents_are_disjoint(inquest, &listing) &&
	    only_note_written(inquest, all.bench);
	if (!fine && legal_answer(inquest, &listing.catalog) == NULL) {
		describe(&listing.catalog, text, sizeof text);
		snprintf(why, sizeof why, "%.90s", inquest->why);
		snprintf(inquest->why, sizeof inquest->why,
		    "%s; found [%s]", why, text);
	}
	rfm_store_release(store);
	return fine;
}
static bool
judge(struct inquest *inquest)
{
	struct rfm_os *os = boot_bench(inquest);
	bool           fine;

	all.judged++;
	fine = opens_well(inquest, os);
	if (fine && inquest->point->born && !all.blind)
		fine = verifier_agrees(inquest, os);
	rfm_lying_end(os);
	if (fine && rfm_lying_complaint(all.bench) != NULL) {
		snprintf(inquest->why, sizeof inquest->why, "%s",
		    rfm_lying_complaint(all.bench));
		fine = false;
	}
	return fine;
}
/* letting life go on */
static bool
reader_agrees(struct inquest *inquest)
{
	struct rfm_open_options reading = judging;
	struct rfm_os          *os = boot_bench(inquest);
	struct rfm_store       *store;
	struct rfm_error        error;
	struct listing          listing;
	bool                    created, fine;

	reading.access = RFM_READ;
	if (rfm_store_open(os, STORE_NAME, &reading, &store, &created,
	    &error) != RFM_OK) {
		snprintf(inquest->why, sizeof inquest->why,
		    "a reader cannot open it: %.500s", error.text);
		rfm_lying_end(os);
		return false;
	}
	list_store(store, &listing);
	fine = fits_an_answer(inquest, store, &listing.catalog);
	rfm_store_release(store);
	rfm_lying_end(os);
	return fine;
}
static bool
add_one_vector(struct inquest *inquest, struct rfm_os *os,
    struct slot *slot)
{
	struct rfm_store *store;
	struct rfm_error  error;
	bool              created;
	enum rfm_status   status;

	slot->type = RFM_NUMERIC;
	slot->length = 30;
	slot->seed = 77;
	status = rfm_store_open(os, STORE_NAME, &judging, &store, &created,
	    &error);
	if (status == RFM_OK) {
		status = rfm_store_create(store, slot->type, slot->length,
		    false, RFM_GROW, &slot->payload, &error);
		if (status == RFM_OK) {
			slot->id = slot->payload->id;
			fill(slot->payload->address, slot->payload->bytes,
			    slot->seed);
			status = rfm_store_sync(store, &error);
			rfm_lying_kill(os);
			rfm_payload_release(slot->payload);
		}
		rfm_store_release(store);
	}
	if (status != RFM_OK)
		snprintf(inquest->why, sizeof inquest->why,
		    "going on after it: %.500s", error.text);
	if (status == RFM_OK && slot->id <= inquest->point->max_id) {
		snprintf(inquest->why, sizeof inquest->why,
		    "going on after it: the id %" PRIu64 " is used again",
		    slot->id);
		return false;
	}
	return status == RFM_OK;
}
static bool
lives_on(struct inquest *inquest)
{
	struct inquest second = *inquest;
	struct point   point;
	struct slot    slot = { .payload = NULL };
	struct rfm_os *os;
	uint8_t       *copy;
	bool           fine;

	if (!reader_agrees(inquest))
		return false;
	os = boot_bench(inquest);
	fine = add_one_vector(inquest, os, &slot);
	rfm_lying_end(os);
	if (!fine)
		return false;
	memset(&point, 0, sizeof point);
	point.born = true;
	point.possible[0] = inquest->found;
	point.possibles = 1;
	add_fact(&point.possible[0], &slot, false, true);
	second.point = &point;
	second.death = false;
	second.image = rfm_lying_present(all.bench);
	copy = must(malloc(second.image.size));
	memcpy(copy, second.image.bytes, second.image.size);
	second.image.bytes = copy;
	fine = judge(&second);
	if (!fine)
		snprintf(inquest->why, sizeof inquest->why,
		    "after going on: %.1000s", second.why);
	free(copy);
	all.again++;
	return fine;
}
static bool
explore_deeper(struct inquest *inquest)
{
	struct run *run = must(calloc(1, sizeof *run));
	bool        fine;

	run->name = inquest->run->name;
	run->script = "open create 5 sync create 3 close";
	run->disk = all.deep_disk;
	run->depth = 1;
	run->backwards = inquest->run->backwards;
	run->born = true;
	run->max_id = inquest->point->max_id;
	run->now = inquest->found;
	run->possible[0] = inquest->found;
	run->possibles = 1;
	if (inquest->death) {
		run->possibles = inquest->point->possibles;
		memcpy(run->possible, inquest->point->possible,
		    sizeof run->possible);
	}
	run->after_cut = !inquest->death || inquest->point->dark;
	rfm_lying_boot(run->disk, &inquest->image);
	if (inquest->death)
		rfm_lying_same_boot(run->disk, inquest->run->disk);
	run_script(run);
	if (!run->failed)
		explore_era(run);
	do_kill(run);
	fine = !run->failed;
	snprintf(inquest->why, sizeof inquest->why, "see above");
	inquest->run->cuts += run->cuts;
	inquest->run->deaths += run->deaths;
	free(run->points);
	free(run);
	all.deep++;
	return fine;
}
/* exploring an era */
static const char *
name_event(const struct rfm_lying_event *event, char *text, size_t bytes)
{
	switch (event->kind) {
	case RFM_LYING_STORE:
		snprintf(text, bytes, "a write to sector %" PRIu64 "%s",
		    event->number, event->metadata ? "" : " (mapped)");
		break;
	case RFM_LYING_SIZE:
		snprintf(text, bytes, "the size %" PRIu64, event->number);
		break;
	case RFM_LYING_NAME:
		snprintf(text, bytes, "a change of the name");
		break;
	case RFM_LYING_BARRIER:
	case RFM_LYING_DIRECTORY:
		snprintf(text, bytes, "the barrier %s",
		    barrier_names[event->number]);
		break;
	case RFM_LYING_MARK:
		snprintf(text, bytes, "its begin or end");
		break;
	}
	return text;
}
static void
print_legal(const struct inquest *inquest)
{
	const struct point *point = inquest->point;
	char                text[500];

	if (inquest->death && !point->dark) {
		describe(&point->before, text, sizeof text);
		printf("#   legal: [%s]\n", text);
		describe(&point->after, text, sizeof text);
		printf("#   legal: [%s]\n", text);
		return;
	}
	for (unsigned i = 0; i < point->possibles; i++) {
		describe(&point->possible[i], text, sizeof text);
		printf("#   legal: [%s]\n", text);
	}
}

static void
report(struct inquest *inquest)
{
	char event[80], choice[600];

	inquest->run->word = inquest->point->word;
	rfm_lying_cut_describe(inquest->cut, inquest->choice, choice,
	    sizeof choice);
	violation(inquest->run, "%s, step %zu, %s the operation, after %s"
	    "\n#   image: %s\n#   %s",
	    inquest->death ? "process death" : "power cut",
	    inquest->moment->step, inquest->point->inside ? "inside"
	    : "after", name_event(inquest->moment->event, event,
	    sizeof event), choice, inquest->why);
	print_legal(inquest);
}
static void
visit(void *context, struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice)
{
	struct inquest *inquest = context;
	struct run     *run = inquest->run;
	uint64_t        key = inquest->death ? inquest->point->death_key
	    : inquest->point->cut_key;

	if (run->failed || !set_add(&seen_verdicts, mix(choice->hash ^ key)))
		return;
	if (set_add(&seen_images, mix(choice->hash + inquest->death)))
		++*(inquest->death ? &run->deaths : &run->cuts);
	inquest->cut = cut;
	inquest->choice = choice;
	inquest->image = rfm_lying_cut_build(cut, choice);
	if (!judge(inquest))
		report(inquest);
	else if (!inquest->point->born)
		return;
	else if (choice->hash % all.keep_going == 0 && !lives_on(inquest))
		report(inquest);
	else if (run->depth == 0 && choice->hash % all.go_deep == 0 &&
	    !explore_deeper(inquest))
		run->failed = true;
}
static bool
may_die_at(const struct rfm_lying_event *event)
{
	return event->kind == RFM_LYING_MARK ||
	    event->kind == RFM_LYING_SIZE ||
	    event->kind == RFM_LYING_NAME ||
	    (event->kind == RFM_LYING_STORE && event->metadata);
}
static void
explore_era(struct run *run)
{
	struct rfm_lying_cut   *cut = rfm_lying_cut_begin(run->disk);
	struct rfm_lying_effort effort = all.effort;
	struct rfm_lying_moment moment;
	struct inquest          inquest;

	effort.seed = mix(all.seed ^ run->word);
	effort.backwards = run->backwards;
	while (rfm_lying_cut_next(cut, &moment) && !run->failed) {
		memset(&inquest, 0, sizeof inquest);
		inquest.run = run;
		inquest.moment = &moment;
		inquest.point = &run->points[moment.mark];
		rfm_lying_cut_each(cut, &effort, visit, &inquest);
		inquest.death = true;
		if (may_die_at(moment.event))
			rfm_lying_cut_each_death(cut, !run->backwards,
			    visit, &inquest);
	}
	rfm_lying_cut_end(cut);
}
/* the scripted histories */
static const char *const scripts[][2] = {
	/* histories about commits and reopening */
	{ "birth", "open" },
	{ "first steps", "open create 20 sync create 3 seal 0 sync"
	    " destroy 1 sync close" },
	{ "sealed before sync", "open create 100 seal 0 sync temp 60 seal 1"
	    " create 5 sync" },
	{ "reopened clean", "open create 10 sync close open create 4 sync"
	    " close open close open create 2 seal 2 sync close" },
	{ "closed and cut", "open create 10 close cut 0 open create 3 close"
	    " cut 1 open create 3 sync" },
	{ "overwritten", "open create 120 sync fill 0 sync fill 0 create 9"
	    " fill 1 sync seal 1 fill 0 sync" },
	{ "cut and on", "open create 10 sync create 11 cut 0 open create 12"
	    " sync create 13 destroy 2 cut 0 open create 14 cut 7 open"
	    " create 15 sync create 16 sync cut 5 open create 9 sync" },
	{ "tail of stale records", "open create 10 sync create 2 create 2"
	    " create 2 cut 3 open create 2 kill open create 2 create 2 kill"
	    " open create 2 sync" },
	{ "stale records that would fit", "open create 1 create 1 create 1"
	    " sync create 1 create 1 create 1 create 1 create 1 create 1"
	    " create 1 create 1 cut 1 open create 1 kill open sync cut 0"
	    " open create 1 sync" },
	/* histories about room and the log */
	{ "links", "open create 1 create 1 create 1 create 1 create 1"
	    " create 1 create 1 create 1 sync create 1 create 1 create 1"
	    " create 1 create 1 create 1 sync seal 0 seal 1 seal 2 sync" },
	{ "checkpoints", "open create 8 sync"
	    " create 8 destroy 1 create 8 destroy 2 create 8 destroy 3"
	    " create 8 destroy 4 create 8 destroy 5 create 8 destroy 6"
	    " sync create 8 destroy 7 create 8 destroy 8 create 8"
	    " destroy 9 create 8 destroy 10 create 8 destroy 11 create 8"
	    " destroy 12 sync create 20 create 20 sync seal 0 sync" },
	{ "room used again", "open create 500 sync destroy 0 create 500"
	    " sync create 500 sync destroy 1 sync create 400 create 90"
	    " sync" },
	{ "full and waiting", "open create 4000 create 4000 create 5000"
	    " sync destroy 0 destroy 1 create 4000 sync destroy 2 sync"
	    " create 8000 sync" },
	{ "freed, then killed", "open create 500 seal 0 sync destroy 0 kill"
	    " open create 500 create 500 sync create 500 sync" },
	{ "temporaries", "open create 10 sync temp 300 drop 1 temp 300"
	    " temp 50 drop 2 temp 200 seal 4 sync drop 3 temp 50 sync"
	    " destroy 0 temp 10 sync temp 10 sync" },
	{ "growth", "open create 9000 sync create 12000 sync create 30000"
	    " sync" },
	{ "growth, killed", "open create 9000 create 12000 kill open"
	    " create 40 sync" },
	{ "a large one", "open create 150000 sync destroy 0 sync create 20"
	    " sync create 150000 sync close" },
	/* histories about deaths, failures and readers */
	{ "killed", "open create 10 sync create 5 seal 1 kill open create 7"
	    " sync destroy 0 kill open create 9 sync kill open close" },
	{ "death in a sync", "open create 10 create 20 die 2 sync open"
	    " create 5 die 3 sync open create 6 sync die 1 create 9 open"
	    " destroy 0 die 1 sync cut 0 open create 3 sync" },
	{ "death in a close", "open create 10 sync create 4 die 4 close open"
	    " create 3 sync die 3 close open create 2 close open create 1"
	    " sync" },
	{ "death in a checkpoint", "open create 8 create 8 destroy 1"
	    " create 8 destroy 2 create 8 destroy 3 create 8 destroy 4"
	    " create 8 destroy 5 create 8 destroy 6 create 8 destroy 7"
	    " create 8 destroy 8 die 6 sync open create 40 create 40 sync" },
	{ "failing flush", "open create 10 sync create 4 error 1 sync"
	    " create 5 sync kill open create 6 sync" },
	{ "failing write", "open create 10 sync error 1 create 4 create 4"
	    " sync close open create 6 sync" },
	{ "linked and closed", "open die 2 three 1 open temp 30 close open"
	    " create 3 sync" },
	{ "a record in doubt", "open create 5 sync error 2 seal 0 temp 60 seal 1"
	    " drop 1 temp 60 temp 60 kill open sync" },
	{ "disk full", "open create 10 sync full 1 create 30000 create 40"
	    " sync full 1 create 50000 sync" },
	{ "a reader", "open create 400 create 20 seal 1 sync reader"
	    " destroy 0 sync create 400 create 300 sync leave create 400"
	    " sync create 400 sync" },
	{ "a reader outlives writers", "open create 400 create 300 sync"
	    " reader destroy 0 sync create 400 sync close open create 400"
	    " create 100 sync kill open destroy 1 sync create 300 create 9"
	    " sync leave create 400 sync" },
	/* histories about names */
	{ "first names", "open temp 20 put 0 0 sync drop 0 temp 30 put 1 0"
	    " drop 1 sync unname 0 sync close open" },
	{ "three at once", "open three 5 sync three 9 sync three 2 three 4"
	    " sync" },
	{ "names renamed", "open temp 9 put 0 0 temp 5 put 1 1 drop 0 sync"
	    " rename 0 1 sync rename 1 2 put 1 0 rename 0 2 sync unname 2"
	    " drop 1 sync" },
	{ "named and his own", "open create 20 put 0 0 create 9 put 1 0 sync"
	    " put 1 1 unname 0 fill 0 sync unname 1 seal 1 destroy 0 sync"
	    " destroy 1 sync" },
	{ "named and referred to", "open temp 8 put 0 0 sync seal 0 unname 0"
	    " drop 0 sync temp 7 seal 1 put 1 1 drop 1 sync unname 1 sync" },
	{ "one value, two names", "open temp 60 put 0 0 put 0 1 drop 0 sync"
	    " unname 0 sync temp 50 put 1 1 drop 1 sync put 1 2 unname 1"
	    " unname 2 sync" },
	{ "names and room", "open three 600 sync three 500 three 700 sync"
	    " three 600 create 400 sync three 300 sync" },
	{ "names in checkpoints", "open three 3 three 3 three 3 sync three 3"
	    " three 3 three 3 sync three 3 three 3 unname 1 sync temp 3"
	    " put 27 1 sync close open three 1 sync" },
	{ "names and deaths", "open three 5 sync three 6 kill open three 7"
	    " kill open sync die 3 three 8 open die 5 three 9 open die 8"
	    " three 4 open sync three 2 cut 0 open three 3 sync" },
	{ "half a change, and on", "open three 5 sync die 6 three 6 open"
	    " create 4 kill open three 7 die 5 sync open three 8 cut 2 open"
	    " three 9 sync" },
	{ "names and failures", "open three 5 sync error 4 three 6 sync kill"
	    " open error 6 three 7 kill open full 1 three 3000 sync" },
	{ "a reader of names", "open three 300 sync reader three 200 sync"
	    " three 400 sync unname 0 sync leave three 300 sync" },
	/* histories about appending */
	{ "appended", "open table 20 0 sync append 0 4 sync append 0 5 sync"
	    " append 0 3 sync" },
	{ "appended at once", "open table 6 0 append 0 6 append 0 2 append 0 1"
	    " sync append 0 1 append 0 1 append 0 7 sync close open append 0 1"
	    " sync" },
	{ "appended pages", "open table 400 0 sync append 0 300 sync"
	    " append 0 200 sync append 0 600 create 500 sync append 0 9 sync" },
	{ "widened and gone", "open create 3000 destroy 0 table 400 0"
	    " append 0 100 sync append 0 300 unname 0 create 1000 create 1000"
	    " create 1000 create 1000 sync" },
	{ "appended and gone", "open table 30 0 append 0 30 sync append 0 9"
	    " unname 0 sync table 5 0 append 0 5 sync append 0 1 table 8 0 sync"
	    " create 100 sync" },
	{ "appended in hand", "open table 30 0 append 0 30 hold 0 sync"
	    " append 0 10 sync append 0 60 sync unname 0 sync drop 0 sync"
	    " table 9 0 append 0 9 hold 0 append 0 1 seal 1 unname 0 sync" },
	{ "two appended", "open table 5 0 append 0 5 table 7 1 append 1 7"
	    " three 4 sync append 3 1 table 5 3 append 3 3 rename 3 4 sync"
	    " append 4 2 append 0 2 sync append 4 9 sync" },
	{ "appended beside a reader", "open table 200 0 append 0 100 sync"
	    " reader append 0 50 sync append 0 300 sync create 500 sync"
	    " append 0 9 unname 0 sync leave create 500 sync" },
	{ "appended and killed", "open table 20 0 append 0 20 sync append 0 5"
	    " kill open append 0 6 kill open append 0 30 kill open sync"
	    " append 0 3 die 4 append 0 4 open append 0 5 die 6 append 0 1 open"
	    " die 9 append 0 40 open append 0 1 sync" },
	{ "appended and cut", "open table 20 0 append 0 20 sync append 0 5"
	    " cut 0 open append 0 7 sync append 0 3 cut 1 open append 0 2"
	    " sync append 0 50 cut 3 open append 0 4 sync" },
	{ "appended in checkpoints", "open table 2 0 append 0 20 append 0 1"
	    " append 0 1 append 0 1 sync append 0 1 append 0 1 append 0 1"
	    " append 0 1 sync append 0 1 close open append 0 1 sync" },
	{ "appended and failures", "open table 20 0 append 0 20 sync error 5"
	    " append 0 3 append 0 3 kill open full 2 append 0 2000 append 0 1"
	    " sync flush 2 append 0 2 sync kill open append 0 1 sync" },
	/* histories about compaction */
	{ "compacted", "open create 500 create 300 create 20 create 200"
	    " seal 2 sync destroy 0 drop 1 drop 2 drop 3 sync compact 0 0"
	    " sync create 400 sync" },
	{ "compacted, one after the other", "open create 900 create 60"
	    " create 500 create 9 create 700 drop 1 drop 2 drop 3 drop 4"
	    " destroy 0 compact 0 0 create 500 sync" },
	{ "compacted and trimmed", "open create 6000 create 500 create 9000"
	    " create 300 sync destroy 0 destroy 2 drop 1 drop 3 sync"
	    " compact 9999 0 trim create 40 sync create 3000 sync" },
	{ "set aside", "open create 250 create 6000 create 3000 drop 1 drop 2"
	    " sync destroy 0 compact 9999 3 trim create 30 sync" },
	{ "trimmed", "open create 20 create 30000 sync trim destroy 1 sync trim"
	    " create 9 sync create 20000 sync trim" },
	{ "trimmed, and a cut", "open create 9 create 30000 sync destroy 1 trim"
	    " cut 0 open create 20 sync create 12000 destroy 3 trim cut 4 open"
	    " create 15000 sync" },
	{ "compacted in use", "open create 500 create 300 create 400 sync"
	    " destroy 0 drop 2 compact 9999 1 trim create 200 fill 1 sync"
	    " drop 1 compact 0 1 fill 1 sync" },
	{ "compacted beside a reader", "open create 500 create 300 create 400"
	    " sync reader destroy 0 drop 1 drop 2 compact 9999 0 trim"
	    " create 300 sync compact 0 1 sync leave compact 0 1 trim"
	    " create 300 sync" },
	{ "compacted and killed", "open create 500 create 300 create 400"
	    " create 80 destroy 0 sync kill open die 3 compact 0 0 open"
	    " die 5 compact 0 0 open compact 0 0 kill open create 500 sync"
	    " die 4 trim open die 7 trim open create 20 sync" },
	{ "moved, then killed", "open create 500 create 300 drop 1 sync destroy 0"
	    " sync die 2 compact 0 0 open create 3000 create 300 sync create 20"
	    " sync" },
	{ "appended, compacted and cut", "open create 600 table 30 0"
	    " append 0 30 sync destroy 0 append 0 5 compact 9999 0 append 0 4"
	    " cut 0 open append 0 6 sync create 500 sync append 0 3 compact 0 1"
	    " trim cut 2 open append 0 7 create 9 sync" },
	{ "tables compacted", "open table 300 0 table 200 1 table 100 2 sync"
	    " unname 0 append 1 100 append 2 9 compact 9999 1 trim append 1 20"
	    " sync hold 2 unname 1 compact 0 0 append 2 1 trim sync" },
	{ "compaction and failures", "open create 500 create 300 create 400"
	    " drop 1 drop 2 destroy 0 sync error 4 compact 0 1 sync kill open"
	    " full 1 compact 0 1 trim flush 3 trim kill open compact 0 1 trim"
	    " sync" },
	{ "a move in doubt", "open create 500 create 300 sync drop 1 destroy 0"
	    " sync error 2 compact 0 0 temp 4000 temp 2000 temp 100 fill 1 kill"
	    " open create 20 sync" },
	{ "cleared", "open create 20 seal 0 table 9 0 append 0 9 create 5 sync"
	    " hold 0 temp 7 clear sync create 500 sync table 3 0 clear cut 0"
	    " open clear trim sync create 4 sync create 400 sync clear"
	    " create 400 sync" },
	{ "cleared and killed", "open create 500 three 30 sync clear kill open"
	    " three 4 sync die 5 clear open die 9 clear open clear trim"
	    " create 6 sync" },
};
/* making up histories */
struct recipe {
	unsigned    weight;
	const char *words;    /* N: a length, K: a vector, D: a small number,
				 A: a name */
};

static const struct recipe recipes[] = {
	{ 22, "create N" }, { 6, "temp N" }, { 8, "fill K" },
	{ 10, "seal K" }, { 16, "destroy K" }, { 3, "drop K" },
	{ 15, "sync" }, { 4, "close open" }, { 5, "kill open" },
	{ 4, "cut D open" }, { 3, "die D destroy K sync create N kill open" },
	{ 2, "die D create N sync sync kill open" },
	{ 1, "error D create N sync kill open" }, { 1, "full 1 create N" },
	{ 2, "reader" }, { 2, "leave" }, { 2, "die D close open" },
	{ 6, "temp N put K A" }, { 6, "put K A" }, { 5, "three N" },
	{ 4, "unname A" }, { 3, "rename A A" },
	{ 2, "die D three N open" }, { 2, "put K A drop K" },
	{ 4, "table N A" }, { 8, "append A N" }, { 2, "hold A" },
	{ 2, "die D append A N open" }, { 3, "compact N D" },
	{ 3, "drop K drop K destroy K compact N A trim" }, { 2, "trim" },
	{ 2, "die D compact N A open" }, { 1, "die D trim open" },
	{ 1, "clear" },
};

static uint64_t
chance(uint64_t *state, uint64_t sides)
{
	*state += 1;
	return mix(*state * 0x2545f4914f6cdd1du) % sides;
}
static size_t
cook(char *text, size_t room, const char *words, uint64_t *state,
    unsigned *made)
{
	static const unsigned lengths[] = { 0, 1, 2, 5, 9, 16, 30, 60, 100,
	    250, 500, 900, 2500, 6000 };
	size_t used = (size_t)snprintf(text, room, " ");

	for (; *words != '\0' && used + 24 < room; words++) {
		uint64_t number = 1 + chance(state, 7);

		if (*words == 'N')
			number = lengths[chance(state, 14)];
		else if (*words == 'K')
			number = chance(state, *made + 1);
		else if (*words == 'A')
			number = chance(state, 4);
		else if (*words != 'D') {
			if (strncmp(words, "create", 6) == 0 ||
			    strncmp(words, "temp", 4) == 0 ||
			    strncmp(words, "hold", 4) == 0)
				++*made;
			else if (strncmp(words, "three", 5) == 0)
				*made += 3;
			text[used++] = *words;
			text[used] = '\0';
			continue;
		}
		used += (size_t)snprintf(text + used, room - used,
		    "%" PRIu64, number);
	}
	return used;
}
static void
make_up(char *text, size_t room, uint64_t seed)
{
	uint64_t state = mix(seed);
	unsigned made = 0, total = 0, length = 18 + seed % 16;
	size_t   used = (size_t)snprintf(text, room, "open");

	for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
		total += recipes[i].weight;
	for (unsigned k = 0; k < length; k++) {
		unsigned roll = (unsigned)chance(&state, total);
		size_t   i = 0;

		while (roll >= recipes[i].weight)
			roll -= recipes[i++].weight;
		used += cook(text + used, room - used, recipes[i].words,
		    &state, &made);
	}
}
/* read the arguments */
static void
begin_at_a_fixed_address(char **arguments)
{
#ifdef __linux__
	int now = personality(0xffffffff);

	if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0 ||
	    personality((unsigned long)now | ADDR_NO_RANDOMIZE) == -1 ||
	    (personality(0xffffffff) & ADDR_NO_RANDOMIZE) == 0)
		return;
	(void)execv("/proc/self/exe", arguments);
#else
	(void)arguments;
#endif
}
static struct rfm_lying_disk *
make_disk(uint64_t seed, bool recording)
{
	struct rfm_lying_disk *disk = rfm_lying_create(seed);

	rfm_lying_record(disk, recording);
	if (all.drop >= 0)
		rfm_lying_ignore(disk, (enum rfm_barrier)all.drop);
	return disk;
}

static int
barrier_named(const char *name)
{
	for (int i = 0; i < RFM_BARRIERS; i++)
		if (strcmp(name, barrier_names[i]) == 0)
			return i;
	fprintf(stderr, "there is no barrier %s\n", name);
	exit(64);
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: crash_explorer [--seed N] [--random N] [--quick]\n"
	    "    [--drop BARRIER] [--blind] [--first] [--backwards]"
	    "\n    [--only NAME] [--history WORDS] [--live WORDS]\n");
	exit(64);
}
static void
read_switch(const char *name)
{
	if (strcmp(name, "--blind") == 0) {
		all.blind = true;
	} else if (strcmp(name, "--first") == 0) {
		all.first = true;
	} else if (strcmp(name, "--backwards") == 0) {
		all.backwards = true;
	} else {
		all.random_histories = 4;
		all.keep_going = 8;
		all.go_deep = 1024;
		all.effort.all_below = 8;
		all.effort.random = 3;
	}
}
static void
read_option(const char *name, const char *value, const char **script)
{
	if (strcmp(name, "--seed") == 0)
		all.seed = strtoull(value, NULL, 10);
	else if (strcmp(name, "--random") == 0)
		all.random_histories = (unsigned)atoi(value);
	else if (strcmp(name, "--drop") == 0)
		all.first = (all.drop = barrier_named(value)) >= 0;
	else if (strcmp(name, "--only") == 0)
		all.only = value;
	else if (strcmp(name, "--history") == 0)
		*script = value;
	else if (strcmp(name, "--live") == 0)
		all.live = (*script = value) != NULL;
	else
		usage();
}

static void
read_arguments(int count, char **arguments, const char **script)
{
	for (int i = 1; i < count; i++) {
		if (one_of(arguments[i], "--quick --blind --first"
		    " --backwards")) {
			read_switch(arguments[i]);
			continue;
		}
		if (i + 1 == count)
			usage();
		read_option(arguments[i], arguments[i + 1], script);
		i++;
	}
}
/* let every call fail once */
static void
end_run(struct run *run)
{
	if (run->reader_os != NULL)
		rfm_lying_kill(run->reader_os);
	end_reader(run);
	do_kill(run);
	rfm_lying_destroy(run->disk);
	free(run->points);
	free(run);
}

static void
sweep_one(const char *script, const char *fault, unsigned nth)
{
	struct run *run = must(calloc(1, sizeof *run));
	char        text[1200];

	if (strncmp(script, "open ", 5) != 0) {
		free(run);
		return;
	}
	snprintf(text, sizeof text, "open %s %u %s kill open create 3 sync"
	    " cut 0 open create 4 sync close", fault, nth, script + 5);
	run->name = "failures";
	run->script = text;
	run->possibles = 1;
	run->sweeping = true;
	run->disk = make_disk(all.seed, true);
	run_script(run);
	all.failures++;
	end_run(run);
}
static void
sweep_failures(void)
{
	unsigned before = all.violations;

	if (all.only != NULL && strcmp(all.only, "failures") != 0)
		return;
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		for (unsigned nth = 1; nth <= 50; nth++)
			sweep_one(scripts[i][1], "error", nth);
		for (unsigned nth = 1; nth <= 8; nth++) {
			sweep_one(scripts[i][1], "full", nth);
			sweep_one(scripts[i][1], "flush", nth);
		}
	}
	printf("%sok %u - failures: %u runs, each with another call"
	    " failing\n", before < all.violations ? "not " : "",
	    ++all.histories, all.failures);
}
/* run all histories */
static void
run_history(const char *name, const char *script, bool backwards)
{
	struct run *run = must(calloc(1, sizeof *run));

	if (all.only != NULL && strcmp(all.only, name) != 0) {
		free(run);
		return;
	}
	run->name = name;
	run->script = script;
	run->possibles = 1;             /* of which the first is empty */
	run->sweeping = all.live;
	run->backwards = backwards;
	run->disk = make_disk(all.seed, true);
	run_script(run);
	if (!run->failed && !run->sweeping)
		explore_era(run);
	all.histories++;
	all.cuts += run->cuts;
	all.deaths += run->deaths;
	printf("%sok %u - %s%s: %" PRIu64 " images after power cuts, %"
	    PRIu64 " after deaths\n", run->failed ? "not " : "",
	    all.histories, name, backwards ? ", backwards" : "",
	    run->cuts, run->deaths);
	fflush(stdout);
	end_run(run);
}
static bool
enough(void)
{
	return all.first && all.violations > 0;
}

static void
run_all(void)
{
	char text[4000], name[40];

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0] &&
	    !enough(); i++)
		for (int backwards = 0; backwards < 2 && !enough();
		    backwards++)
			run_history(scripts[i][0], scripts[i][1],
			    backwards);
	if (!enough())
		sweep_failures();
	for (unsigned i = 0; i < all.random_histories && !enough(); i++) {
		uint64_t seed = all.seed * 1000 + i;

		make_up(text, sizeof text, seed);
		snprintf(name, sizeof name, "seed %" PRIu64, seed);
		run_history(name, text, seed % 2 == 0);
	}
}
static void
print_sum(double seconds)
{
	printf("# crash explorer: seed %" PRIu64 ", %u histories, %" PRIu64
	    " distinct images (%" PRIu64 " after power cuts, %" PRIu64
	    " after deaths), %" PRIu64 " judged, %" PRIu64 " lived on, %"
	    PRIu64 " explored again, %u violations, %.1f s\n",
	    all.seed, all.histories, all.cuts + all.deaths, all.cuts,
	    all.deaths, all.judged, all.again, all.deep, all.violations,
	    seconds);
}
int
main(int count, char **arguments)
{
	const char *script = NULL;
	clock_t     start = clock();

	begin_at_a_fixed_address(arguments);
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
	read_arguments(count, arguments, &script);
	all.bench = make_disk(all.seed + 1, false);
	all.deep_disk = make_disk(all.seed + 2, true);
	if (script != NULL)
		run_history("given", script, all.backwards);
	else
		run_all();
	rfm_lying_destroy(all.bench);
	rfm_lying_destroy(all.deep_disk);
	free(seen_images.slots);
	free(seen_verdicts.slots);
	printf("1..%u\n", all.histories);
	print_sum((double)(clock() - start) / CLOCKS_PER_SEC);
	return all.violations > 0;
}
