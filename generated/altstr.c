/* Tangled from lit/66_strings.nw by 'make tangle': change it there, not here. */
#include "altstr.h"
#include "altvec.h"
#include "cells.h"
#include "layout.h"
#include <string.h>

#define CHUNK        1024
#define BLOCK        RFM_POSITIONS
#define COPY_BYTES   ((uint64_t)8 << 20)

/* keep a record beside a vector */
struct beside {
	const SEXP    **table;     /* the strings of each chunk, or NULL */
	uint64_t        length;    /* of the vector, when it is read */
	struct rfm_room room;
	uint64_t        expected;  /* bytes of text that are to come */
	bool            ahead;     /* may the cache differ from the cells? */
};

static struct rfm_payload *
payload_of(SEXP x)
{
	const struct rfm_memory *memory = rfm_altvec_recall(x);

	if (memory != NULL && memory->payload->address != NULL)
		return memory->payload;
	return rfm_altvec_live(x);                 /* or an R error */
}

static SEXP
box_place(SEXP x, int place)
{
	return VECTOR_ELT(R_altrep_data2(x), place);
}

/* make the record when it is needed */
static struct beside *
beside(SEXP x)
{
	SEXP record = box_place(x, RFM_BOX_RECORD);

	if (record == R_NilValue) {
		record = Rf_allocVector(RAWSXP, sizeof(struct beside));
		memset(RAW(record), 0, sizeof(struct beside));
		SET_VECTOR_ELT(R_altrep_data2(x), RFM_BOX_RECORD, record);
	}
	return (struct beside *)(void *)RAW(record);
}

static void *
fresh_bytes(SEXP x, int place, uint64_t bytes)
{
	SEXP room = Rf_allocVector(RAWSXP, (R_xlen_t)bytes);

	SET_VECTOR_ELT(R_altrep_data2(x), place, room);
	return memset(RAW(room), 0, bytes);
}
/* turn strings of R into texts and back */
static void
text_of(SEXP string, struct rfm_text *text)
{
	memset(text, 0, sizeof *text);
	text->missing = string == NA_STRING;
	if (text->missing)
		return;
	text->unencoded = Rf_getCharCE(string) == CE_BYTES;
	text->bytes = text->unencoded ? CHAR(string) :
	    Rf_translateCharUTF8(string);
	text->length = text->bytes == CHAR(string) ?
	    (uint32_t)LENGTH(string) : (uint32_t)strlen(text->bytes);
	if (text->length > RFM_TEXT_MAX_BYTES)
		rfm_raise("too_large", 0, NULL, "A string of 2^31-1 bytes "
		    "is one too long for a fmalloc vector.");
}

static SEXP
string_of(const struct rfm_text *text)
{
	if (text->missing)
		return NA_STRING;
	return Rf_mkCharLenCE(text->bytes, (int)text->length,
	    text->unencoded ? CE_BYTES : CE_UTF8);
}

/* read the string in a cell or fail */
static NORET void
raise_for(SEXP x, const struct rfm_error *error)
{
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);

	rfm_raise_error(error, runtime == NULL ? NULL : runtime->path);
}

static NORET void
refuse_cell(SEXP x, uint64_t i)
{
	struct rfm_error error;

	rfm_fail(&error, RFM_DAMAGED, "string %llu of vector %llu leads "
	    "nowhere", (unsigned long long)i + 1,
	    (unsigned long long)payload_of(x)->id);
	raise_for(x, &error);
}

static SEXP
read_cell(SEXP x, uint64_t i)
{
	struct rfm_text text;

	if (!rfm_cells_get(payload_of(x), i, &text))
		refuse_cell(x, i);
	return string_of(&text);
}
/* give one string */
/* remember the record of a vector */
static __attribute__((noinline)) struct beside *
find_record(SEXP x)
{
	const struct rfm_payload *payload;
	struct rfm_memory *memory;
	struct beside *record;

	payload = rfm_altvec_live(x);              /* or an R error */
	record = beside(x);
	record->length = payload->length;
	memory = rfm_altvec_recall(x);
	if (memory != NULL)
		memory->beside = record;
	return record;
}

static struct beside *
record_of(SEXP x)
{
	const struct rfm_memory *memory = rfm_altvec_recall(x);

	return memory != NULL && memory->beside != NULL &&
	    memory->payload->address != NULL ? memory->beside :
	    find_record(x);
}
/* fetch ahead what will be wanted */
#define AHEAD 16

static inline void
fetch_ahead(const struct beside *record, const SEXP *chunk, uint64_t at)
{
	if (at % CHUNK + AHEAD < CHUNK && at + AHEAD < record->length)
		__builtin_prefetch(chunk[at % CHUNK + AHEAD]);
}
/* make the chunk of an element */
static uint64_t
chunks_of(SEXP x)
{
	return ((uint64_t)XLENGTH(x) + CHUNK - 1) / CHUNK;
}

static SEXP
cache_of(SEXP x)
{
	SEXP cache = box_place(x, RFM_BOX_CACHE);

	if (cache == R_NilValue) {
		beside(x)->table = fresh_bytes(x, RFM_BOX_TABLE,
		    chunks_of(x) * sizeof(SEXP *));
		cache = Rf_allocVector(VECSXP, (R_xlen_t)chunks_of(x));
		SET_VECTOR_ELT(R_altrep_data2(x), RFM_BOX_CACHE, cache);
	}
	return cache;
}

static SEXP
make_chunk(SEXP x, R_xlen_t i)
{
	SEXP cache = cache_of(x), chunk;
	R_xlen_t rest = XLENGTH(x) - i / CHUNK * CHUNK;

	chunk = Rf_allocVector(STRSXP, rest < CHUNK ? rest : CHUNK);
	SET_VECTOR_ELT(cache, i / CHUNK, chunk);
	beside(x)->table[i / CHUNK] = STRING_PTR_RO(chunk);
	return chunk;
}
/* give a string that is not in the cache */
static __attribute__((noinline)) SEXP
fetch(SEXP x, R_xlen_t i)
{
	SEXP cache = box_place(x, RFM_BOX_CACHE), chunk, string;

	if (TYPEOF(cache) == STRSXP)
		return STRING_ELT(cache, i);
	string = PROTECT(read_cell(x, (uint64_t)i));
	chunk = cache == R_NilValue ? R_NilValue :
	    VECTOR_ELT(cache, i / CHUNK);
	if (chunk == R_NilValue)
		chunk = make_chunk(x, i);
	SET_STRING_ELT(chunk, i % CHUNK, string);
	UNPROTECT(1);
	return string;
}

static SEXP
elt(SEXP x, R_xlen_t i)
{
	const struct beside *record = record_of(x);
	const SEXP *chunk;
	uint64_t at = (uint64_t)i;

	if (record->table != NULL) {
		chunk = record->table[at / CHUNK];
		if (chunk != NULL && chunk[at % CHUNK] != R_BlankString) {
			fetch_ahead(record, chunk, at);
			return chunk[at % CHUNK];
		}
	}
	return fetch(x, i);
}
/* give all strings */
/* put an array in the place of the chunks */
static void
put_in_place(SEXP x, SEXP flat)
{
	const SEXP *strings = STRING_PTR_RO(flat);
	const SEXP **table = fresh_bytes(x, RFM_BOX_TABLE,
	    chunks_of(x) * sizeof *table);
	uint64_t k, chunks = chunks_of(x);

	for (k = 0; k < chunks; k++)
		table[k] = strings + k * CHUNK;
	SET_VECTOR_ELT(R_altrep_data2(x), RFM_BOX_CACHE, flat);
	beside(x)->table = table;
}

static SEXP
flatten(SEXP x)
{
	SEXP cache = box_place(x, RFM_BOX_CACHE), flat, chunk, string;
	R_xlen_t length = XLENGTH(x), i;

	if (TYPEOF(cache) == STRSXP)
		return cache;
	flat = PROTECT(Rf_allocVector(STRSXP, length));
	for (i = 0; i < length; i++) {
		chunk = cache == R_NilValue ? R_NilValue :
		    VECTOR_ELT(cache, i / CHUNK);
		string = chunk == R_NilValue ? R_BlankString :
		    STRING_ELT(chunk, i % CHUNK);
		if (string == R_BlankString)
			string = read_cell(x, (uint64_t)i);
		SET_STRING_ELT(flat, i, string);
	}
	put_in_place(x, flat);
	UNPROTECT(1);
	return flat;
}

/* stop sharing the array */
static SEXP
own_array(SEXP x)
{
	SEXP array = flatten(x);

	if (MAYBE_SHARED(array)) {
		array = PROTECT(Rf_duplicate(array));
		put_in_place(x, array);
		UNPROTECT(1);
	}
	return array;
}
/* give the address of all strings */
static void *
dataptr(SEXP x, Rboolean writable)
{
	SEXP flat;

	if (writable)
		rfm_altvec_own(x);
	flat = PROTECT(writable ? own_array(x) : flatten(x));
	if (writable && !rfm_payload_shared(payload_of(x)))
		beside(x)->ahead = true;
	UNPROTECT(1);
	return (void *)(uintptr_t)STRING_PTR_RO(flat);
}

static const void *
dataptr_or_null(SEXP x)
{
	struct rfm_payload *payload = R_ExternalPtrAddr(R_altrep_data1(x));
	SEXP cache = box_place(x, RFM_BOX_CACHE);

	if (payload == NULL || payload->address == NULL ||
	    TYPEOF(cache) != STRSXP)
		return NULL;
	return STRING_PTR_RO(cache);
}
/* find room for a far string */
/* ask for one more part */
static enum rfm_status
ask_for_part(SEXP x, struct rfm_payload *payload, uint32_t length,
    struct rfm_error *error)
{
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	struct beside *record = beside(x);
	uint64_t bytes = rfm_room_next_part(payload, length);

	if (runtime == NULL)
		return rfm_fail(error, RFM_CLOSED, "runtime is closed");
	if (record->expected > 0)
		bytes = record->expected < RFM_PART_STEP_BYTES ?
		    record->expected : RFM_PART_STEP_BYTES;
	if (bytes < length)
		bytes = rfm_cells_room(length);
	RFM_TRY(rfm_runtime_extend(runtime, payload, bytes, error));
	payload = rfm_altvec_live(x);
	rfm_room_extended(&record->room, payload);
	return RFM_OK;
}

static enum rfm_status
find_room(SEXP x, struct rfm_payload *payload, uint32_t length,
    struct rfm_place *place, struct rfm_error *error)
{
	struct beside *record = beside(x);

	if (rfm_room_take(&record->room, payload, length, place))
		return RFM_OK;
	if (rfm_room_survey_pays(&record->room, payload)) {
		uint8_t *map = fresh_bytes(x, RFM_BOX_MAP,
		    rfm_room_map_bytes(payload));

		rfm_room_survey(&record->room, rfm_altvec_live(x), map);
		if (rfm_room_take(&record->room, payload, length, place))
			return RFM_OK;
	}
	RFM_TRY(ask_for_part(x, payload, length, error));
	if (!rfm_room_take(&record->room, payload, length, place))
		return rfm_fail(error, RFM_NO_ROOM, "a part is too short");
	return RFM_OK;
}
/* replace one string */
static enum rfm_status
put_text(SEXP x, uint64_t i, const struct rfm_text *text,
    struct rfm_error *error)
{
	struct rfm_payload *payload = rfm_altvec_live(x);
	uint64_t room = rfm_cells_room(text->length);
	struct rfm_place place = { 0, 0 };
	struct beside *record;

	if (room > 0)
		RFM_TRY(find_room(x, payload, text->length, &place,
		    error));
	record = beside(x);
	rfm_cells_put(rfm_altvec_live(x), i, text, &place, &record->room);
	record->expected -= room < record->expected ? room :
	    record->expected;
	return RFM_OK;
}

/* keep the cache in step */
/* stop sharing a chunk */
static SEXP
own_chunk(SEXP x, R_xlen_t k)
{
	SEXP cache = box_place(x, RFM_BOX_CACHE), chunk;
	const SEXP **table = beside(x)->table;

	if (MAYBE_SHARED(cache)) {
		cache = PROTECT(Rf_shallow_duplicate(cache));
		SET_VECTOR_ELT(R_altrep_data2(x), RFM_BOX_CACHE, cache);
		beside(x)->table = memcpy(fresh_bytes(x, RFM_BOX_TABLE,
		    chunks_of(x) * sizeof *table), table,
		    chunks_of(x) * sizeof *table);
		UNPROTECT(1);
	}
	chunk = VECTOR_ELT(cache, k);
	if (chunk != R_NilValue && MAYBE_SHARED(chunk)) {
		chunk = Rf_duplicate(chunk);
		SET_VECTOR_ELT(cache, k, chunk);
		beside(x)->table[k] = STRING_PTR_RO(chunk);
	}
	return chunk;
}

static SEXP
as_read(SEXP string, const struct rfm_text *text)
{
	bool same = text->missing || text->unencoded ||
	    Rf_getCharCE(string) == CE_UTF8 || Rf_charIsASCII(string);

	return same ? string : string_of(text);
}

static void
keep_in_step(SEXP x, R_xlen_t i, SEXP string)
{
	SEXP cache = box_place(x, RFM_BOX_CACHE), chunk;

	if (TYPEOF(cache) == STRSXP) {
		SET_STRING_ELT(own_array(x), i, string);
	} else if (cache != R_NilValue) {
		chunk = own_chunk(x, i / CHUNK);
		if (chunk != R_NilValue)
			SET_STRING_ELT(chunk, i % CHUNK, string);
	}
}
/* decide whether memory will do */
static bool
memory_will_do(SEXP x, enum rfm_status status)
{
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	struct rfm_store_info info = { 0 };

	if (runtime != NULL)
		rfm_store_describe(runtime->store, &info);
	switch (status) {
	case RFM_FORKED: case RFM_READ_ONLY:
		return true;
	case RFM_CLOSED: case RFM_POISONED:
		return info.forked || info.access == RFM_READ ||
		    payload_of(x)->state == RFM_TEMPORARY;
	default:
		return false;
	}
}
/* set one string */
static void
set_elt(SEXP x, R_xlen_t i, SEXP value)
{
	const void *mark = vmaxget();
	struct rfm_error error;
	enum rfm_status status;
	struct rfm_text text;
	SEXP string;

	rfm_altvec_own(x);
	if (rfm_payload_shared(rfm_altvec_live(x))) /* keeps I7 */
		rfm_raise("argument", 0, NULL, "This fmalloc vector was "
		    "saved, or is shared: a string of it can be replaced in "
		    "a copy only.");
	text_of(value, &text);
	string = PROTECT(as_read(value, &text));
	status = put_text(x, (uint64_t)i, &text, &error);
	if (status != RFM_OK && !memory_will_do(x, status))
		raise_for(x, &error);
	if (status != RFM_OK) {
		(void)flatten(x);
		beside(x)->ahead = true;
	}
	keep_in_step(x, i, string);
	UNPROTECT(1);
	vmaxset(mark);
}
/* bring the payload up to date */
/* settle one block */
static enum rfm_status
settle_block(SEXP x, uint64_t i, uint64_t end, struct rfm_error *error)
{
	SEXP flat = box_place(x, RFM_BOX_CACHE);
	const void *mark = vmaxget();
	struct rfm_text text;

	for (; i < end; i++) {
		text_of(STRING_ELT(flat, (R_xlen_t)i), &text);
		if (!rfm_cells_equal(rfm_altvec_live(x), i, &text))
			RFM_TRY(put_text(x, i, &text, error));
		vmaxset(mark);
	}
	return RFM_OK;
}

static bool
settle(SEXP x)
{
	uint64_t length = (uint64_t)XLENGTH(x), i;
	enum rfm_status status;
	struct rfm_error error;

	if (!beside(x)->ahead)
		return true;
	for (i = 0; i < length; i += BLOCK) {
		R_CheckUserInterrupt();
		status = settle_block(x, i, i + BLOCK < length ? i + BLOCK :
		    length, &error);
		if (status != RFM_OK && memory_will_do(x, status))
			return false;
		if (status != RFM_OK)
			raise_for(x, &error);
	}
	beside(x)->ahead = false;
	return true;
}
/* copy strings of any vector */
/* add up the text of an ordinary vector */
static uint64_t
far_text(SEXP x)
{
	R_xlen_t length = XLENGTH(x), i;
	uint64_t bytes = 0;

	for (i = 0; i < length; i++)
		bytes += rfm_cells_room((uint32_t)LENGTH(STRING_ELT(x, i)));
	return bytes;
}
/* copy a block of strings */
static void
copy_block(SEXP x, R_xlen_t i, R_xlen_t end, SEXP to, uint64_t at)
{
	const void *mark = vmaxget();
	struct rfm_error error;
	struct rfm_text text;

	for (; i < end; i++, at++) {
		SEXP string = PROTECT(STRING_ELT(x, i));

		text_of(string, &text);
		if (put_text(to, at, &text, &error) != RFM_OK)
			raise_for(to, &error);
		UNPROTECT(1);
		vmaxset(mark);
	}
}

static void
copy_strings(SEXP x, SEXP to)
{
	R_xlen_t length = XLENGTH(to), i;

	if (!ALTREP(x))
		beside(to)->expected = far_text(x);
	for (i = 0; i < length; i += BLOCK) {
		R_CheckUserInterrupt();
		copy_block(x, i, i + BLOCK < length ? i + BLOCK : length,
		    to, (uint64_t)i);
	}
	beside(to)->expected = 0;
}
/* copy cells of our own */
/* give the target parts as large as are used */
static void
make_parts(SEXP to, const uint64_t *reach, uint32_t parts)
{
	struct rfm_error error;
	uint32_t k;

	for (k = 0; k < parts; k++) {
		beside(to)->expected = reach[k] > 0 ? reach[k] : 1;
		if (ask_for_part(to, payload_of(to), 0, &error) != RFM_OK)
			raise_for(to, &error);
	}
	beside(to)->expected = 0;
	if (parts > 0)
		beside(to)->room.from = reach[parts - 1];
}
/* move text until all is there */
/* tell how much text is to come */
static uint32_t
length_at(SEXP x, uint64_t i)
{
	const struct rfm_string_disk *cells = payload_of(x)->address;

	return cells[i].length & ~RFM_STRING_IS_BYTES;
}

static uint64_t
text_to_come(SEXP to, uint64_t at, uint64_t last)
{
	struct rfm_payload *payload = payload_of(to);
	uint64_t bytes = rfm_cells_far_bytes(payload, at, last);

	return last == payload->length ||
	    bytes > rfm_room_next_part(payload, 0) ? bytes : 0;
}

static void
move_text(SEXP x, SEXP to, uint64_t at, uint64_t last)
{
	enum rfm_status status;
	struct rfm_error error;
	uint64_t end;

	while (at < last) {
		R_CheckUserInterrupt();
		end = at + BLOCK < last ? at + BLOCK : last;
		status = rfm_cells_move(rfm_altvec_live(x),
		    rfm_altvec_live(to), &at, end, &beside(to)->room);
		if (status == RFM_DAMAGED)
			refuse_cell(x, at);
		if (status == RFM_NO_ROOM) {
			beside(to)->expected = text_to_come(to, at, last);
			if (ask_for_part(to, payload_of(to),
			    length_at(to, at), &error) != RFM_OK)
				raise_for(to, &error);
		}
	}
	beside(to)->expected = 0;
}
/* copy bytes with interrupts */
static char *
bytes_of(SEXP x, int64_t part)
{
	struct rfm_payload *payload = rfm_altvec_live(x);

	return part < 0 ? payload->address : payload->parts[part]->address;
}

static void
copy_bytes(SEXP x, SEXP to, int64_t part, uint64_t bytes)
{
	uint64_t at, n;

	for (at = 0; at < bytes; at += n) {
		R_CheckUserInterrupt();
		n = bytes - at < COPY_BYTES ? bytes - at : COPY_BYTES;
		memcpy(bytes_of(to, part) + at, bytes_of(x, part) + at, n);
	}
}

static void
copy_whole(SEXP x, SEXP to)
{
	uint64_t length = payload_of(x)->length, used = 0;
	uint32_t parts = payload_of(x)->part_count, k;
	uint64_t *reach = (uint64_t *)(void *)R_alloc(parts + 1,
	    sizeof *reach);

	memset(reach, 0, (parts + 1) * sizeof *reach);
	if (!rfm_cells_reach(payload_of(x), 0, length, reach))
		refuse_cell(x, 0);
	for (k = 0; k < parts; k++)
		used += reach[k];
	if (rfm_cells_far_bytes(payload_of(x), 0, length) < used / 2) {
		copy_bytes(x, to, -1, length * sizeof(struct rfm_string_disk));
		move_text(x, to, 0, length);
		return;
	}
	make_parts(to, reach, parts);
	for (k = 0; k < parts; k++)
		copy_bytes(x, to, (int64_t)k, reach[k]);
	copy_bytes(x, to, -1, length * sizeof(struct rfm_string_disk));
}

/* duplicate a character vector */
/* share the cache with a copy */
static void
share_cache(SEXP x, SEXP y)
{
	SEXP cache = cache_of(x);

	if (TYPEOF(cache) == STRSXP) {
		put_in_place(y, PROTECT(Rf_duplicate(cache)));
		UNPROTECT(1);
		return;
	}
	SET_VECTOR_ELT(R_altrep_data2(y), RFM_BOX_CACHE, cache);
	SET_VECTOR_ELT(R_altrep_data2(y), RFM_BOX_TABLE,
	    box_place(x, RFM_BOX_TABLE));
	beside(y)->table = beside(x)->table;
}

static void
copy(SEXP x, SEXP to)
{
	SEXP inner = rfm_altvec_inner(x);

	if (inner != NULL && settle(inner))
		copy_whole(inner, to);
	else
		copy_strings(x, to);
}

static SEXP
duplicate(SEXP x, Rboolean deep)
{
	SEXP y;

	(void)deep;
	if (!settle(x))
		return NULL;
	y = rfm_altvec_sibling(x, RFM_CHARACTER, (uint64_t)XLENGTH(x));
	if (y == NULL)
		return NULL;
	PROTECT(y);
	copy_whole(x, y);
	share_cache(x, y);
	UNPROTECT(1);
	return y;
}
/* take a subset of strings */
static void
gather(SEXP x, SEXP index, R_xlen_t i, R_xlen_t count, SEXP y)
{
	int64_t positions[BLOCK];

	rfm_altvec_positions(index, i, count, XLENGTH(x), positions);
	(void)rfm_cells_gather(rfm_altvec_live(x), positions,
	    (uint64_t)count, rfm_altvec_live(y), (uint64_t)i);
}

static SEXP
extract_subset(SEXP x, SEXP index, SEXP call)
{
	R_xlen_t count = XLENGTH(index), i;
	SEXP y;

	(void)call;
	if (count < 2 || (TYPEOF(index) != INTSXP &&
	    TYPEOF(index) != REALSXP) || !settle(x))
		return NULL;
	y = rfm_altvec_run(x, index);
	if (y != NULL)
		return y;
	y = rfm_altvec_sibling(x, RFM_CHARACTER, (uint64_t)count);
	if (y == NULL)
		return NULL;
	PROTECT(y);
	for (i = 0; i < count; i += BLOCK) {
		R_CheckUserInterrupt();
		gather(x, index, i, count - i < BLOCK ? count - i : BLOCK,
		    y);
	}
	move_text(x, y, 0, (uint64_t)count);
	UNPROTECT(1);
	return y;
}
/* give R the array of all strings */
SEXP
rfm_altstr_array(SEXP x)                   /* R_NilValue: not ours */
{
	x = TYPEOF(x) == STRSXP ? rfm_altvec_inner(x) : NULL;
	if (x == NULL)
		return R_NilValue;
	(void)rfm_altvec_live(x);
	return flatten(x);
}
/* find the distinct strings */
#define BATCH 256

struct distinct {
	SEXP      keep;         /* a list of the two tables */
	uint64_t *firsts;
	uint32_t *places;
	uint32_t  count, room;
};

/* find the place of a string */
static uint64_t
place_at(const struct distinct *distinct, uint64_t hash)
{
	return hash & (2 * (uint64_t)distinct->room - 1);
}

static void
take_in(struct distinct *distinct, const struct rfm_payload *payload,
    uint64_t i, uint64_t hash)
{
	uint64_t at = place_at(distinct, hash);

	while (distinct->places[at] != 0) {
		if (rfm_cells_same(payload,
		    distinct->firsts[distinct->places[at] - 1], i))
			return;
		at = place_at(distinct, at + 1);
	}
	distinct->firsts[distinct->count] = i;
	distinct->places[at] = ++distinct->count;
}
/* make room for more distinct strings */
static void
make_room(struct distinct *distinct, uint32_t room)
{
	size_t bytes = distinct->count * sizeof *distinct->firsts;
	SEXP table = Rf_allocVector(RAWSXP,
	    (R_xlen_t)(room * sizeof *distinct->firsts));

	if (bytes > 0)
		memcpy(RAW(table), distinct->firsts, bytes);
	SET_VECTOR_ELT(distinct->keep, 0, table);
	distinct->firsts = (uint64_t *)(void *)RAW(table);
	bytes = (size_t)2 * room * sizeof *distinct->places;
	table = Rf_allocVector(RAWSXP, (R_xlen_t)bytes);
	SET_VECTOR_ELT(distinct->keep, 1, table);
	distinct->places = memset(RAW(table), 0, bytes);
	distinct->room = room;
}

static void
place_anew(struct distinct *distinct, const struct rfm_payload *payload)
{
	uint32_t k, count = distinct->count;
	uint64_t hash;

	distinct->count = 0;
	for (k = 0; k < count; k++)
		if (rfm_cells_hash(payload, distinct->firsts[k], &hash))
			take_in(distinct, payload, distinct->firsts[k],
			    hash);
}

/* grow as the strings so far suggest */
static bool
grow(struct distinct *distinct, SEXP x, uint64_t done)
{
	uint64_t length = payload_of(x)->length, room = distinct->room;
	double expected = (double)distinct->count / (double)done *
	    (double)length;

	if (expected > (double)length / 2)
		return false;
	do
		room *= 2;
	while ((double)room < expected + BATCH && room < 1u << 31);
	if (room > 1u << 31)
		return false;
	make_room(distinct, (uint32_t)room);
	place_anew(distinct, rfm_altvec_live(x));
	return true;
}
/* take in a batch of strings */
static bool
take_in_batch(struct distinct *distinct, SEXP x, uint64_t from, uint64_t to)
{
	const struct rfm_payload *payload;
	uint64_t hashes[BATCH], i;

	if (distinct->room - distinct->count < to - from &&
	    !grow(distinct, x, from))
		return false;
	payload = rfm_altvec_live(x);
	for (i = from; i < to; i++) {
		if (!rfm_cells_hash(payload, i, &hashes[i - from]))
			return false;
		__builtin_prefetch(&distinct->places[place_at(distinct,
		    hashes[i - from])]);
	}
	for (i = from; i < to; i++)
		take_in(distinct, payload, i, hashes[i - from]);
	return true;
}
/* collect the distinct strings */
static SEXP
strings_of(SEXP x, const struct distinct *distinct)
{
	SEXP strings = PROTECT(Rf_allocVector(STRSXP, distinct->count));
	uint32_t k;

	for (k = 0; k < distinct->count; k++) {
		if (k % BLOCK == 0)
			R_CheckUserInterrupt();
		SET_STRING_ELT(strings, k,
		    elt(x, (R_xlen_t)distinct->firsts[k]));
	}
	UNPROTECT(1);
	return strings;
}

/* let R find the distinct strings in the array */
static SEXP
distinct_in_array(SEXP x)
{
	SEXP call = PROTECT(Rf_lang2(Rf_install("unique.default"),
	    rfm_altstr_array(x)));
	SEXP strings = Rf_eval(call, R_BaseEnv);

	UNPROTECT(1);
	return strings;
}
/* find the distinct strings of a vector */
SEXP
rfm_altstr_distinct(SEXP x)
{
	struct distinct distinct = { 0 };
	uint64_t length, from, to;
	SEXP strings;

	x = TYPEOF(x) == STRSXP ? rfm_altvec_inner(x) : NULL;
	if (x == NULL)
		return R_NilValue;
	length = rfm_altvec_live(x)->length;
	if (TYPEOF(box_place(x, RFM_BOX_CACHE)) == STRSXP)
		return distinct_in_array(x);
	distinct.keep = PROTECT(Rf_allocVector(VECSXP, 2));
	make_room(&distinct, 16 * BATCH);
	for (from = 0; from < length; from = to) {
		R_CheckUserInterrupt();
		to = length - from < BATCH ? length : from + BATCH;
		if (!take_in_batch(&distinct, x, from, to))
			break;
	}
	strings = from == length ? strings_of(x, &distinct) :
	    distinct_in_array(x);
	UNPROTECT(1);
	return strings;
}
/* copy a run of strings */
static void
pour_cells(SEXP x, uint64_t from, uint64_t count, SEXP to, uint64_t at)
{
	int64_t positions[BLOCK];
	uint64_t i, n, k;

	for (i = 0; i < count; i += n) {
		n = count - i < BLOCK ? count - i : BLOCK;
		for (k = 0; k < n; k++)
			positions[k] = (int64_t)(from + i + k);
		(void)rfm_cells_gather(rfm_altvec_live(x), positions, n,
		    rfm_altvec_live(to), at + i);
	}
	move_text(x, to, at, at + count);
}

void
rfm_altstr_pour(SEXP x, uint64_t from, uint64_t count, SEXP to, uint64_t at)
{
	SEXP inner = rfm_altvec_inner(x);

	if (inner != NULL && settle(inner))
		pour_cells(inner, from, count, to, at);
	else
		copy_block(x, (R_xlen_t)from, (R_xlen_t)(from + count), to,
		    at);
}
static uint64_t
text_to_append(SEXP x, uint64_t count)
{
	SEXP inner = rfm_altvec_inner(x);

	if (inner != NULL && settle(inner))
		return rfm_cells_far_bytes(rfm_altvec_live(inner), 0, count);
	return far_text(x);
}

static void
find_rest(SEXP to, uint64_t bytes)
{
	struct rfm_payload *payload = rfm_altvec_live(to), *part;
	struct rfm_room *room = &beside(to)->room;
	struct rfm_error error;
	uint64_t heap = 0;
	uint32_t k;

	for (k = 0; k < payload->part_count; k++)
		heap += payload->parts[k]->bytes;
	part = k == 0 ? NULL : payload->parts[k - 1];
	if (part != NULL && part->bytes - part->reach >= bytes) {
		room->known = true;
		room->part = k - 1;
		room->from = part->reach;
		room->to = part->bytes;
		return;
	}
	beside(to)->expected = heap / 4 > bytes ? heap / 4 : bytes;
	if (ask_for_part(to, payload, 0, &error) != RFM_OK)
		raise_for(to, &error);
	beside(to)->expected = 0;
}
void
rfm_altstr_begin(SEXP x, SEXP to)
{
	SEXP inner = rfm_altvec_inner(x);

	if (inner != NULL && settle(inner))
		copy_whole(inner, to);
	else
		rfm_altstr_append(x, (uint64_t)XLENGTH(x), to, 0);
}

void
rfm_altstr_append(SEXP x, uint64_t count, SEXP to, uint64_t at)
{
	uint64_t bytes = text_to_append(x, count), i, n;
	struct rfm_payload *payload;
	const struct rfm_room *room = &beside(to)->room;

	if (bytes > 0)
		find_rest(to, bytes);
	for (i = 0; i < count; i += n) {
		R_CheckUserInterrupt();
		n = count - i < BLOCK ? count - i : BLOCK;
		rfm_altstr_pour(x, i, n, to, at + i);
	}
	payload = rfm_altvec_live(to);
	if (room->known && room->part < payload->part_count)
		payload->parts[room->part]->reach = room->from;
}
/* register the class of strings */
void
rfm_altstr_load(DllInfo *dll)
{
	static const struct rfm_altvec_kind kind = { "wrap_string", settle,
		copy };
	R_altrep_class_t class = R_make_altstring_class(
	    "fmalloc_altrep_character", "Rfmalloc", dll);

	rfm_altvec_join(RFM_CHARACTER, class, &kind);
	R_set_altrep_Duplicate_method(class, duplicate);
	R_set_altvec_Dataptr_method(class, dataptr);
	R_set_altvec_Dataptr_or_null_method(class, dataptr_or_null);
	R_set_altvec_Extract_subset_method(class, extract_subset);
	R_set_altstring_Elt_method(class, elt);
	R_set_altstring_Set_elt_method(class, set_elt);
	R_set_altstring_No_NA_method(class, rfm_altvec_no_na);
}
