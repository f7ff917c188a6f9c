/* Tangled from lit/40_space.nw by 'make tangle': change it there, not here. */
#include "space.h"
#include "layout.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* the numbers of a space */
enum {
	COLUMN_BITS = 5,
	ROWS = 58 - COLUMN_BITS + 1,
	BINS = ROWS * RFM_SPACE_COLUMNS,
	NONE = BINS,                    /* no such bin */
	SLOTS_PER_NODE = 4,             /* two boundaries, half full */
	FIRST_CAPACITY = 64,
	START = 0,
	END = 1
};

#define CAPACITY_MAX (UINT32_C(1) << 30)

_Static_assert(RFM_SPACE_COLUMNS == 1 << COLUMN_BITS, "whole bits");
/* a free extent and the space that holds it */
struct extent {
	uint64_t offset, bytes;
	uint32_t next, previous;        /* in its bin, or unused */
};

_Static_assert(sizeof(struct extent) == 24, "no padding");

struct rfm_space {
	rfm_space_resize *resize;
	struct extent    *extents;      /* [0] is never used */
	uint32_t         *table;        /* boundaries, by hash */
	unsigned          hash_shift;
	uint32_t          capacity;     /* nodes there is memory for */
	uint32_t          fresh;        /* nodes ever used */
	uint32_t          unused;       /* list of nodes given up */
	uint64_t          count;        /* free extents */
	uint64_t          in_use;       /* taken or announced */
	uint64_t          free_bytes;
	uint64_t          rows;         /* bit: a row has extents */
	uint32_t          columns[ROWS];
	uint32_t          first[BINS];
};
/* say that memory ran out */
static enum rfm_status
no_memory(struct rfm_error *error, uint64_t extents)
{
	return rfm_fail(error, RFM_NO_MEMORY,
	    "no memory to keep track of %" PRIu64 " extents", extents);
}
/* boundaries: the search by place */
static uint32_t
boundary(uint32_t node, uint32_t end)
{
	return node * 2 + end;
}

static uint64_t
boundary_offset(const struct rfm_space *space, uint32_t entry)
{
	const struct extent *e = &space->extents[entry / 2];

	return e->offset + (entry % 2 ? e->bytes : 0);
}
static size_t
hash(const struct rfm_space *space, uint64_t offset)
{
	return (size_t)((offset / RFM_GRANULE_BYTES *
	    UINT64_C(0x9e3779b97f4a7c15)) >> space->hash_shift);
}

static size_t
slot_mask(const struct rfm_space *space)
{
	return (size_t)space->capacity * SLOTS_PER_NODE - 1;
}
static size_t
find_slot(const struct rfm_space *space, uint64_t offset)
{
	size_t mask = slot_mask(space), slot = hash(space, offset);

	while (space->table[slot] != 0 &&
	    boundary_offset(space, space->table[slot]) != offset)
		slot = (slot + 1) & mask;
	return slot;
}

static void
mark(struct rfm_space *space, uint32_t node, uint32_t end)
{
	uint32_t entry = boundary(node, end);

	space->table[find_slot(space, boundary_offset(space, entry))] =
	    entry;
}
static void
unmark(struct rfm_space *space, uint64_t offset)
{
	size_t mask = slot_mask(space), hole, slot, home;

	hole = find_slot(space, offset);
	for (slot = (hole + 1) & mask; space->table[slot] != 0;
	    slot = (slot + 1) & mask) {
		home = hash(space,
		    boundary_offset(space, space->table[slot]));
		if (((slot - home) & mask) >= ((slot - hole) & mask)) {
			space->table[hole] = space->table[slot];
			hole = slot;
		}
	}
	space->table[hole] = 0;
}
/* bins: the search by size */
static unsigned
bin_of(uint64_t bytes)
{
	uint64_t granules = bytes / RFM_GRANULE_BYTES;
	unsigned shift;

	if (granules < RFM_SPACE_COLUMNS)
		return (unsigned)granules;
	shift = 63u - (unsigned)__builtin_clzll(granules) - COLUMN_BITS;
	return shift * RFM_SPACE_COLUMNS + (unsigned)(granules >> shift);
}
static unsigned
occupied_bin(const struct rfm_space *space, unsigned bin)
{
	unsigned row = bin / RFM_SPACE_COLUMNS;
	uint64_t rows;
	uint32_t columns;

	if (bin >= NONE)
		return NONE;
	columns = space->columns[row] &
	    UINT32_MAX << bin % RFM_SPACE_COLUMNS;
	if (columns == 0) {
		rows = space->rows & UINT64_MAX << (row + 1);
		if (rows == 0)
			return NONE;
		row = (unsigned)__builtin_ctzll(rows);
		columns = space->columns[row];
	}
	return row * RFM_SPACE_COLUMNS +
	    (unsigned)__builtin_ctz(columns);
}
static void
enlist(struct rfm_space *space, uint32_t node)
{
	struct extent *e = &space->extents[node];
	unsigned       bin = bin_of(e->bytes);

	e->previous = 0;
	e->next = space->first[bin];
	if (e->next != 0)
		space->extents[e->next].previous = node;
	space->first[bin] = node;
	space->columns[bin / RFM_SPACE_COLUMNS] |=
	    UINT32_C(1) << bin % RFM_SPACE_COLUMNS;
	space->rows |= UINT64_C(1) << bin / RFM_SPACE_COLUMNS;
}
static void
delist(struct rfm_space *space, uint32_t node)
{
	const struct extent *e = &space->extents[node];
	unsigned             bin = bin_of(e->bytes);
	unsigned             row = bin / RFM_SPACE_COLUMNS;

	if (e->next != 0)
		space->extents[e->next].previous = e->previous;
	if (e->previous != 0) {
		space->extents[e->previous].next = e->next;
		return;
	}
	space->first[bin] = e->next;
	if (e->next != 0)
		return;
	space->columns[row] &=
	    ~(UINT32_C(1) << bin % RFM_SPACE_COLUMNS);
	if (space->columns[row] == 0)
		space->rows &= ~(UINT64_C(1) << row);
}
/* nodes: put in, take out, reshape */
static void
put_in(struct rfm_space *space, uint64_t offset, uint64_t bytes)
{
	uint32_t node = space->unused;

	if (node != 0)
		space->unused = space->extents[node].next;
	else
		node = ++space->fresh;
	space->extents[node].offset = offset;
	space->extents[node].bytes = bytes;
	enlist(space, node);
	mark(space, node, START);
	mark(space, node, END);
	space->count++;
	space->free_bytes += bytes;
}
static void
take_out(struct rfm_space *space, uint32_t node)
{
	struct extent *e = &space->extents[node];

	delist(space, node);
	unmark(space, e->offset);
	unmark(space, e->offset + e->bytes);
	space->count--;
	space->free_bytes -= e->bytes;
	e->bytes = 0;
	e->next = space->unused;
	space->unused = node;
}
static void
reshape(struct rfm_space *space, uint32_t node, uint64_t offset,
    uint64_t bytes)
{
	struct extent *e = &space->extents[node];
	bool           start_moves = e->offset != offset;
	bool           end_moves = e->offset + e->bytes != offset + bytes;

	delist(space, node);
	if (start_moves)
		unmark(space, e->offset);
	if (end_moves)
		unmark(space, e->offset + e->bytes);
	space->free_bytes += bytes - e->bytes;
	e->offset = offset;
	e->bytes = bytes;
	if (start_moves)
		mark(space, node, START);
	if (end_moves)
		mark(space, node, END);
	enlist(space, node);
}
/* obtain both arrays anew or fail */
static enum rfm_status
grow(struct rfm_space *space, uint32_t capacity,
    struct rfm_error *error)
{
	uint64_t       slots = (uint64_t)capacity * SLOTS_PER_NODE;
	uint64_t       node_bytes, table_bytes;
	struct extent *extents = NULL;
	uint32_t      *table;

	if (!rfm_multiply(capacity + UINT64_C(1), sizeof *extents,
	    &node_bytes) || node_bytes > SIZE_MAX ||
	    !rfm_multiply(slots, sizeof *table, &table_bytes) ||
	    table_bytes > SIZE_MAX)
		return no_memory(error, capacity);
	table = space->resize(NULL, (size_t)table_bytes);
	if (table != NULL)
		extents = space->resize(space->extents,
		    (size_t)node_bytes);
	if (extents == NULL) {
		free(table);
		return no_memory(error, capacity);
	}
	/* move the boundaries into the new table */
	memset(table, 0, (size_t)table_bytes);
	memset(&extents[0], 0, sizeof extents[0]);
	free(space->table);
	space->table = table;
	space->extents = extents;
	space->capacity = capacity;
	space->hash_shift = (unsigned)__builtin_clzll(slots) + 1;
	for (uint32_t i = 1; i <= space->fresh; i++)
		if (extents[i].bytes != 0) {
			mark(space, i, START);
			mark(space, i, END);
		}
	return RFM_OK;
}
/* secure memory before it is needed */
static enum rfm_status
secure(struct rfm_space *space, uint64_t more, struct rfm_error *error)
{
	uint64_t need = space->count + space->in_use, capacity;

	if (!rfm_add(need, more, &need) || need > CAPACITY_MAX)
		return no_memory(error, need);
	if (need <= space->capacity)
		return RFM_OK;
	for (capacity = FIRST_CAPACITY; capacity < need; capacity *= 2)
		continue;
	return grow(space, (uint32_t)capacity, error);
}
/* making and unmaking */
enum rfm_status
rfm_space_create_on(struct rfm_space **space, rfm_space_resize *resize,
    struct rfm_error *error)
{
	struct rfm_space *made = resize(NULL, sizeof *made);
	enum rfm_status   status;

	if (made == NULL)
		return no_memory(error, FIRST_CAPACITY);
	memset(made, 0, sizeof *made);
	made->resize = resize;
	status = grow(made, FIRST_CAPACITY, error);
	if (status == RFM_OK)
		*space = made;
	else
		free(made);
	return status;
}

enum rfm_status
rfm_space_create(struct rfm_space **space, struct rfm_error *error)
{
	return rfm_space_create_on(space, realloc, error);
}
void
rfm_space_destroy(struct rfm_space *space)
{
	if (space == NULL)
		return;
	free(space->table);
	free(space->extents);
	free(space);
}

enum rfm_status
rfm_space_expect(struct rfm_space *space, uint64_t extents,
    struct rfm_error *error)
{
	RFM_TRY(secure(space, extents, error));
	space->in_use += extents;
	return RFM_OK;
}
/* the exported operations */
static uint64_t
head_bytes(uint64_t offset, uint64_t align)
{
	return (align - offset % align) % align;
}

static bool
fits(const struct extent *e, uint64_t bytes, uint64_t align)
{
	uint64_t head = head_bytes(e->offset, align);

	return head <= e->bytes && bytes <= e->bytes - head;
}
static uint32_t
look_near(const struct rfm_space *space, uint64_t bytes,
    uint64_t align, unsigned sure)
{
	unsigned bin = occupied_bin(space, bin_of(bytes)), looks = 0;
	uint32_t fit = 0, i;

	for (; bin < sure && fit == 0; bin = occupied_bin(space, bin + 1))
		for (i = space->first[bin]; i != 0;
		    i = space->extents[i].next) {
			if (fits(&space->extents[i], bytes, align)) {
				if (space->extents[i].bytes == bytes)
					return i;
				if (fit == 0)
					fit = i;
			}
			if (++looks >= RFM_SPACE_LOOKS)
				break;
		}
	return fit;
}
static uint32_t
choose(const struct rfm_space *space, uint64_t bytes, uint64_t align,
    uint64_t worst)
{
	unsigned sure = bin_of(worst - RFM_GRANULE_BYTES) + 1;
	uint32_t node = look_near(space, bytes, align, sure);

	if (node == 0) {
		sure = occupied_bin(space, sure);
		node = sure == NONE ? 0 : space->first[sure];
	}
	return node;
}
static uint64_t
cut(struct rfm_space *space, uint32_t node, uint64_t bytes,
    uint64_t align)
{
	uint64_t start = space->extents[node].offset;
	uint64_t head = head_bytes(start, align);
	uint64_t tail = space->extents[node].bytes - head - bytes;
	uint64_t place = start + head;

	/* keeps I5 */
	if (head == 0 && tail == 0)
		take_out(space, node);
	else if (head == 0)
		reshape(space, node, place + bytes, tail);
	else
		reshape(space, node, start, head);
	if (head != 0 && tail != 0)
		put_in(space, place + bytes, tail);
	return place;
}
enum rfm_status
rfm_space_take(struct rfm_space *space, uint64_t bytes, uint64_t align,
    uint64_t *offset, struct rfm_error *error)
{
	uint64_t worst;
	uint32_t node;

	/* refuse a length or an alignment that cannot be */
	if (bytes == 0 || bytes % RFM_GRANULE_BYTES != 0 ||
	    align < RFM_GRANULE_BYTES || (align & (align - 1)) != 0)
		return rfm_fail(error, RFM_ARGUMENT,
		    "%" PRIu64 " bytes aligned to %" PRIu64
		    " cannot be an extent", bytes, align);
	if (!rfm_add(bytes, align - RFM_GRANULE_BYTES, &worst))
		return rfm_fail(error, RFM_TOO_LARGE,
		    "%" PRIu64 " bytes are more than any file can hold", bytes);
	node = choose(space, bytes, align, worst);
	if (node == 0)
		return rfm_fail(error, RFM_NO_ROOM,
		    "no free extent can hold %" PRIu64 " bytes", bytes);
	RFM_TRY(secure(space, 2, error));
	*offset = cut(space, node, bytes, align);
	space->in_use++;
	return RFM_OK;
}
static void
merge(struct rfm_space *space, uint64_t offset, uint64_t bytes,
    uint32_t left, uint32_t right)
{
	uint64_t right_bytes = space->extents[right].bytes;

	if (left != 0 && right != 0)
		take_out(space, right);
	if (left != 0)
		reshape(space, left, space->extents[left].offset,
		    space->extents[left].bytes + bytes + right_bytes);
	else if (right != 0)
		reshape(space, right, offset, bytes + right_bytes);
	else
		put_in(space, offset, bytes);
}
static enum rfm_status
set_free(struct rfm_space *space, uint64_t offset, uint64_t bytes,
    uint64_t promised, struct rfm_error *error)
{
	uint64_t end;
	uint32_t left, right;

	/* refuse a range that cannot be an extent */
	if (bytes == 0 || bytes % RFM_GRANULE_BYTES != 0 ||
	    offset % RFM_GRANULE_BYTES != 0)
		return rfm_fail(error, RFM_ARGUMENT,
		    "%" PRIu64 " bytes at offset %" PRIu64
		    " cannot be an extent", bytes, offset);
	if (!rfm_add(offset, bytes, &end))
		return rfm_fail(error, RFM_TOO_LARGE,
		    "%" PRIu64 " bytes at offset %" PRIu64
		    " end beyond any file", bytes, offset);
	left = space->table[find_slot(space, offset)];
	right = space->table[find_slot(space, end)];
	/* refuse a range that overlaps a free extent */
	/* keeps I5 */
	if ((left != 0 && left % 2 == START) || right % 2 == END)
		return rfm_fail(error, RFM_DAMAGED,
		    "the %" PRIu64 " bytes at offset %" PRIu64
		    " are free already, at least in part", bytes, offset);
	RFM_TRY(secure(space, 1 - promised, error));
	merge(space, offset, bytes, left / 2, right / 2);
	space->in_use -= promised;
	return RFM_OK;
}
enum rfm_status
rfm_space_add(struct rfm_space *space, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	return set_free(space, offset, bytes, 0, error);
}

enum rfm_status
rfm_space_give(struct rfm_space *space, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	return set_free(space, offset, bytes, space->in_use > 0, error);
}
bool
rfm_space_widen(struct rfm_space *space, uint64_t offset,
    uint64_t bytes, uint64_t new_bytes)
{
	uint64_t end, more, next_bytes;
	uint32_t next;

	if (new_bytes < bytes || !rfm_add(offset, bytes, &end) ||
	    (new_bytes - bytes) % RFM_GRANULE_BYTES != 0)
		return false;
	more = new_bytes - bytes;
	next = space->table[find_slot(space, end)];
	next_bytes = space->extents[next / 2].bytes;
	if (more == 0)
		return true;
	if (next % 2 == END || next_bytes < more)
		return false;
	if (next_bytes == more)	/* keeps I5 */
		take_out(space, next / 2);
	else
		reshape(space, next / 2, end + more, next_bytes - more);
	return true;
}

uint64_t
rfm_space_behind(const struct rfm_space *space, uint64_t end)
{
	uint32_t next = space->table[find_slot(space, end)];

	return next % 2 == END ? 0 : space->extents[next / 2].bytes;
}
/* looking without touching */
void
rfm_space_summary(const struct rfm_space *space,
    struct rfm_space_sum *sum)
{
	unsigned bin = 0, next;
	uint32_t i;

	sum->free_bytes = space->free_bytes;
	sum->extents = space->count;
	sum->largest_bytes = 0;
	while ((next = occupied_bin(space, bin + 1)) != NONE)
		bin = next;
	for (i = space->first[bin]; i != 0; i = space->extents[i].next)
		if (space->extents[i].bytes > sum->largest_bytes)
			sum->largest_bytes = space->extents[i].bytes;
}
bool
rfm_space_next(const struct rfm_space *space, uint64_t *cursor,
    uint64_t *offset, uint64_t *bytes)
{
	const struct extent *e;

	while (*cursor < space->fresh) {
		e = &space->extents[++*cursor];
		if (e->bytes != 0) {
			*offset = e->offset;
			*bytes = e->bytes;
			return true;
		}
	}
	return false;
}
static bool
bin_sound(const struct rfm_space *space, unsigned bin, uint64_t *count,
    uint64_t *bytes)
{
	const struct extent *e;
	uint32_t             i, previous = 0;

	for (i = space->first[bin]; i != 0; i = e->next) {
		e = &space->extents[i];
		if (++*count > space->count || e->bytes == 0 ||
		    e->previous != previous || bin_of(e->bytes) != bin)
			return false;
		if (space->table[find_slot(space, e->offset)] !=
		    boundary(i, START) ||
		    space->table[find_slot(space,
		    e->offset + e->bytes)] != boundary(i, END))
			return false;
		*bytes += e->bytes;
		previous = i;
	}
	return true;
}
bool
rfm_space_sound(const struct rfm_space *space)
{
	uint64_t count = 0, bytes = 0, entries = 0, nodes = 0;
	unsigned row, column, bin;
	bool     any;

	for (bin = 0; bin < BINS; bin++) {
		row = bin / RFM_SPACE_COLUMNS;
		column = bin % RFM_SPACE_COLUMNS;
		any = (space->columns[row] >> column & 1) != 0;
		if (any != (space->first[bin] != 0) ||
		    (space->columns[row] != 0) !=
		    ((space->rows >> row & 1) != 0) ||
		    !bin_sound(space, bin, &count, &bytes))
			return false;
	}
	/* count the slots and nodes that are used */
	for (size_t slot = 0; slot <= slot_mask(space); slot++)
		entries += space->table[slot] != 0;
	for (uint32_t i = space->unused; i != 0 && nodes <= space->fresh;
	    i = space->extents[i].next)
		nodes++;
	return count == space->count && bytes == space->free_bytes &&
	    entries == 2 * count && nodes + count == space->fresh &&
	    count + space->in_use <= space->capacity;
}
