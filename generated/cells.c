/* Tangled from lit/58_cells.nw by 'make tangle': change it there, not here. */
#include "cells.h"
#include <string.h>

#define FAR_STEP_BYTES 8        /* far strings begin at multiples of this */

/* read one string */
static const struct rfm_string_disk *
cell_of(const struct rfm_payload *payload, uint64_t i)
{
	return (const struct rfm_string_disk *)payload->address + i;
}

static const char *
far_bytes(const struct rfm_payload *payload,
    const struct rfm_string_disk *cell, uint32_t length)
{
	const struct rfm_payload *part;
	const char *bytes;

	if (cell->far.part >= payload->part_count)
		return NULL;
	part = payload->parts[cell->far.part];
	if (part->address == NULL ||
	    (uint64_t)cell->far.offset + length > part->bytes)
		return NULL;
	bytes = (const char *)part->address + cell->far.offset;
	if (memcmp(bytes, cell->far.prefix, sizeof cell->far.prefix) != 0)
		return NULL;
	return bytes;
}

/* turn a cell into a text */
bool
rfm_cells_get(const struct rfm_payload *payload, uint64_t i,
    struct rfm_text *text)
{
	const struct rfm_string_disk *cell = cell_of(payload, i);

	text->missing = cell->length == RFM_STRING_NA;
	text->unencoded = false;
	text->length = 0;
	text->bytes = (const char *)cell->text;
	if (text->missing)
		return true;
	text->unencoded = (cell->length & RFM_STRING_IS_BYTES) != 0;
	text->length = cell->length & ~RFM_STRING_IS_BYTES;
	if (text->length > RFM_STRING_INLINE_BYTES)
		text->bytes = far_bytes(payload, cell, text->length);
	return text->bytes != NULL &&
	    memchr(text->bytes, 0, text->length) == NULL;
}
/* compare and search strings */
bool
rfm_cells_equal(const struct rfm_payload *payload, uint64_t i,
    const struct rfm_text *text)
{
	struct rfm_text have;

	if (!rfm_cells_get(payload, i, &have) ||
	    have.missing != text->missing ||
	    have.unencoded != text->unencoded ||
	    have.length != text->length)
		return false;
	return have.length == 0 ||
	    memcmp(have.bytes, text->bytes, have.length) == 0;
}

/* see at a glance that two cells differ */
_Static_assert(offsetof(struct rfm_string_disk, far.prefix) ==
    offsetof(struct rfm_string_disk, text), "the first bytes' place");

bool
rfm_cells_differ(const struct rfm_string_disk *a,
    const struct rfm_string_disk *b)
{
	if ((a->length | b->length) >= RFM_STRING_IS_BYTES)
		return false;              /* NA, or no text */
	return a->length != b->length ||
	    (a->length <= RFM_STRING_INLINE_BYTES ?
	    memcmp(a->text, b->text, sizeof a->text) != 0 :
	    memcmp(a->far.prefix, b->far.prefix,
	    sizeof a->far.prefix) != 0);
}

void
rfm_cells_sketch(const struct rfm_text *text, struct rfm_string_disk *cell)
{
	memset(cell, 0, sizeof *cell);
	cell->length = text->missing ? RFM_STRING_NA : text->length |
	    (text->unencoded ? RFM_STRING_IS_BYTES : 0);
	if (text->missing)
		return;
	if (text->length <= RFM_STRING_INLINE_BYTES)
		memcpy(cell->text, text->bytes, text->length);
	else
		memcpy(cell->far.prefix, text->bytes,
		    sizeof cell->far.prefix);
}
/* hash a string */
static uint64_t
mix(uint64_t hash, const void *bytes, size_t count)
{
	uint64_t word = 0;

	memcpy(&word, bytes, count);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

bool
rfm_cells_hash(const struct rfm_payload *payload, uint64_t i,
    uint64_t *hash)
{
	const struct rfm_string_disk *cell = cell_of(payload, i);
	const char *bytes;
	uint32_t at;

	uint64_t h = cell->length;

	if (h <= RFM_STRING_INLINE_BYTES || h == RFM_STRING_NA) {
		h = mix(mix(h, cell->text, 8), cell->text + 8, 4);
		*hash = mix(h, "", 0);
		return true;
	}
	bytes = h >= RFM_STRING_IS_BYTES ? NULL :
	    far_bytes(payload, cell, cell->length);
	if (bytes == NULL)
		return false;
	for (at = 0; at + 8 < cell->length; at += 8)
		h = mix(h, bytes + at, 8);
	h = mix(h, bytes + cell->length - 8, 8);
	*hash = mix(h, "", 0);
	return true;
}

/* compare two strings of one vector */
bool
rfm_cells_same(const struct rfm_payload *payload, uint64_t i, uint64_t k)
{
	struct rfm_text text;

	if (rfm_cells_differ(cell_of(payload, i), cell_of(payload, k)))
		return false;
	if ((cell_of(payload, i)->length | cell_of(payload, k)->length) <=
	    RFM_STRING_INLINE_BYTES)
		return true;
	return rfm_cells_get(payload, i, &text) &&
	    rfm_cells_equal(payload, k, &text);
}

bool
rfm_cells_any_missing(const struct rfm_payload *payload)
{
	uint64_t i;

	for (i = 0; i < payload->length; i++)
		if (cell_of(payload, i)->length == RFM_STRING_NA)
			return true;
	return false;
}
/* mark what the cells cover */
static uint64_t
steps_of(const struct rfm_payload *part)
{
	return part->bytes / FAR_STEP_BYTES;
}

uint64_t
rfm_room_map_bytes(const struct rfm_payload *payload)
{
	uint64_t steps = 0;
	uint32_t k;

	for (k = 0; k < payload->part_count; k++)
		steps += steps_of(payload->parts[k]);
	return payload->part_count * sizeof steps + steps / 8 + 1;
}

/* mark the steps of one string */
static void
mark(const struct rfm_payload *payload, uint64_t i, const uint64_t *first,
    uint8_t *bits)
{
	const struct rfm_string_disk *cell = cell_of(payload, i);
	struct rfm_text text;
	uint64_t step, end;

	if (!rfm_cells_get(payload, i, &text) ||
	    text.length <= RFM_STRING_INLINE_BYTES)
		return;
	step = cell->far.offset / FAR_STEP_BYTES;
	end = ((uint64_t)cell->far.offset + text.length - 1) /
	    FAR_STEP_BYTES + 1;
	if (end > steps_of(payload->parts[cell->far.part]))
		end = steps_of(payload->parts[cell->far.part]);
	for (; step < end; step++) {
		uint64_t bit = first[cell->far.part] + step;

		bits[bit / 8] = (uint8_t)(bits[bit / 8] | 1u << bit % 8);
	}
}
/* survey the heap */
void
rfm_room_survey(struct rfm_room *room, const struct rfm_payload *payload,
    uint8_t *map)
{
	uint64_t *first = (uint64_t *)(void *)map, steps = 0, i;
	uint8_t *bits = map + payload->part_count * sizeof *first;
	uint32_t k;

	for (k = 0; k < payload->part_count; k++) {
		first[k] = steps;
		steps += steps_of(payload->parts[k]);
	}
	for (i = 0; i < payload->length; i++)
		mark(payload, i, first, bits);
	memset(room, 0, sizeof *room);
	room->known = true;
	room->map = map;
	room->parts = payload->part_count;
}
/* find a gap */
static bool
is_covered(const uint8_t *bits, uint64_t bit)
{
	return (bits[bit / 8] >> bit % 8 & 1) != 0;
}

/* find a gap in one part */
static bool
find_gap_in(struct rfm_room *room, uint64_t first, uint64_t end,
    uint64_t steps)
{
	const uint8_t *bits = room->map + room->parts * sizeof first;
	uint64_t at = room->cursor > first ? room->cursor : first, start;

	while (at < end) {
		if (at % 8 == 0 && bits[at / 8] == 0xff) {
			at += 8;
			continue;
		}
		for (start = at; at < end && !is_covered(bits, at); at++)
			;
		if (at - start >= steps) {
			room->from = (start - first) * FAR_STEP_BYTES;
			room->to = (at - first) * FAR_STEP_BYTES;
			room->cursor = at;
			return true;
		}
		at++;
	}
	return false;
}

static bool
find_gap(struct rfm_room *room, const struct rfm_payload *payload,
    uint64_t steps)
{
	const uint64_t *first = (const uint64_t *)(const void *)room->map;
	uint32_t k;

	for (k = 0; k < room->parts; k++) {
		uint64_t end = first[k] + steps_of(payload->parts[k]);

		if (room->cursor < end &&
		    find_gap_in(room, first[k], end, steps)) {
			room->part = k;
			return true;
		}
	}
	return false;
}
/* take room for a string */
bool
rfm_room_take(struct rfm_room *room, const struct rfm_payload *payload,
    uint32_t length, struct rfm_place *place)
{
	uint64_t steps = ((uint64_t)length + FAR_STEP_BYTES - 1) /
	    FAR_STEP_BYTES;

	if (!room->known)
		return false;
	if (room->to - room->from < steps * FAR_STEP_BYTES &&
	    (room->map == NULL || !find_gap(room, payload, steps)))
		return false;
	place->part = room->part;
	place->offset = (uint32_t)room->from;
	room->from += steps * FAR_STEP_BYTES;
	return true;
}

/* decide between a survey and a new part */
static uint64_t
heap_bytes(const struct rfm_payload *payload)
{
	uint64_t bytes = 0;
	uint32_t k;

	for (k = 0; k < payload->part_count; k++)
		bytes += payload->parts[k]->bytes;
	return bytes;
}

bool
rfm_room_survey_pays(const struct rfm_room *room,
    const struct rfm_payload *payload)
{
	if (payload->part_count == 0)
		return false;
	return !room->known || room->replaced >= heap_bytes(payload) / 2;
}

/* choose the size of the next part */
uint64_t
rfm_room_next_part(const struct rfm_payload *payload, uint32_t length)
{
	uint64_t bytes = heap_bytes(payload);

	if (bytes < RFM_PART_MIN_BYTES)
		bytes = RFM_PART_MIN_BYTES;
	if (bytes > RFM_PART_STEP_BYTES)
		bytes = RFM_PART_STEP_BYTES;
	if (bytes < length)
		bytes = length;
	return (bytes + RFM_GRANULE_BYTES - 1) / RFM_GRANULE_BYTES *
	    RFM_GRANULE_BYTES;
}

void
rfm_room_extended(struct rfm_room *room, const struct rfm_payload *payload)
{
	room->known = true;
	room->part = payload->part_count - 1;
	room->from = 0;
	room->to = payload->parts[room->part]->bytes;
}
/* write one string */
typedef uint64_t cell_bits __attribute__((vector_size(16), may_alias));

uint64_t
rfm_cells_room(uint32_t length)
{
	if (length <= RFM_STRING_INLINE_BYTES)
		return 0;
	return ((uint64_t)length + FAR_STEP_BYTES - 1) / FAR_STEP_BYTES *
	    FAR_STEP_BYTES;
}

static uint64_t
far_room(uint32_t length)
{
	return length == RFM_STRING_NA ? 0 :
	    rfm_cells_room(length & ~RFM_STRING_IS_BYTES);
}

static void
put_cell(struct rfm_payload *payload, uint64_t i,
    const struct rfm_string_disk *cell)
{
	cell_bits bits;

	memcpy(&bits, cell, sizeof bits);
	((cell_bits *)payload->address)[i] = bits; /* keeps I15 */
}

/* put the bytes, then the cell */
void
rfm_cells_put(struct rfm_payload *payload, uint64_t i,
    const struct rfm_text *text, const struct rfm_place *place,
    struct rfm_room *room)
{
	struct rfm_string_disk cell;

	rfm_cells_sketch(text, &cell);
	room->replaced += far_room(cell_of(payload, i)->length);
	if (!text->missing && text->length > RFM_STRING_INLINE_BYTES) {
		cell.far.part = place->part;
		cell.far.offset = place->offset;
		memcpy((char *)payload->parts[place->part]->address +
		    place->offset, text->bytes, text->length);
	}
	put_cell(payload, i, &cell);
}
/* gather cells and move their text */
uint64_t
rfm_cells_gather(const struct rfm_payload *from,
    const int64_t *positions, uint64_t count, struct rfm_payload *to,
    uint64_t at)
{
	static const struct rfm_string_disk missing = {
		.length = RFM_STRING_NA };
	struct rfm_string_disk *target = to->address;
	uint64_t k, room = 0;

	target += at;
	for (k = 0; k < count; k++) {
		target[k] = positions[k] < 0 ? missing :
		    *cell_of(from, (uint64_t)positions[k]);
		room += far_room(target[k].length);
	}
	return room;
}

/* move the text of cells */
enum rfm_status
rfm_cells_move(const struct rfm_payload *from, struct rfm_payload *to,
    uint64_t *at, uint64_t end, struct rfm_room *room)
{
	struct rfm_string_disk *cell = to->address;
	struct rfm_place place;

	for (cell += *at; *at < end; ++*at, cell++) {
		uint32_t length = cell->length & ~RFM_STRING_IS_BYTES;
		const char *bytes;

		if (far_room(cell->length) == 0)
			continue;
		bytes = far_bytes(from, cell, length);
		if (bytes == NULL)
			return RFM_DAMAGED;
		if (!rfm_room_take(room, to, length, &place))
			return RFM_NO_ROOM;
		memcpy((char *)to->parts[place.part]->address +
		    place.offset, bytes, length);
		cell->far.part = place.part;
		cell->far.offset = place.offset;
	}
	return RFM_OK;
}
/* measure the heap that cells use */
uint64_t
rfm_cells_far_bytes(const struct rfm_payload *payload, uint64_t at,
    uint64_t end)
{
	uint64_t room = 0;

	for (; at < end; at++)
		room += far_room(cell_of(payload, at)->length);
	return room;
}

bool
rfm_cells_reach(const struct rfm_payload *payload, uint64_t at,
    uint64_t end, uint64_t *reach)
{
	for (; at < end; at++) {
		const struct rfm_string_disk *cell = cell_of(payload, at);
		uint64_t room = far_room(cell->length), last;

		if (room == 0)
			continue;
		if (cell->far.part >= payload->part_count)
			return false;
		last = cell->far.offset + room;
		if (last > payload->parts[cell->far.part]->bytes)
			last = payload->parts[cell->far.part]->bytes;
		if (last > reach[cell->far.part])
			reach[cell->far.part] = last;
	}
	return true;
}
