/* Tangled from lit/58_cells.nw by 'make tangle': change it there, not here. */
#ifndef RFM_CELLS_H
#define RFM_CELLS_H
#include "store.h"

#define RFM_TEXT_MAX_BYTES 0x7ffffffeu

/* reading strings */
struct rfm_text {
	const char *bytes;
	uint32_t    length;
	bool        missing;
	bool        unencoded;  /* bytes that are no text */
};

bool rfm_cells_get(const struct rfm_payload *, uint64_t i,
    struct rfm_text *);
bool rfm_cells_equal(const struct rfm_payload *, uint64_t i,
    const struct rfm_text *);
bool rfm_cells_differ(const struct rfm_string_disk *,
    const struct rfm_string_disk *);
void rfm_cells_sketch(const struct rfm_text *, struct rfm_string_disk *);
bool rfm_cells_hash(const struct rfm_payload *, uint64_t i, uint64_t *hash);
bool rfm_cells_same(const struct rfm_payload *, uint64_t i, uint64_t k);
bool rfm_cells_any_missing(const struct rfm_payload *);
/* finding room for strings */
#define RFM_PART_MIN_BYTES  1024u
#define RFM_PART_STEP_BYTES (1u << 30)  /* parts grow up to this */

struct rfm_place { uint32_t part, offset; };

struct rfm_room {
	bool     known;         /* is what follows true? */
	uint32_t part;          /* the stretch in use lies here, */
	uint64_t from, to;      /* and goes from one to the other */
	uint64_t replaced;      /* bytes left behind since the survey */
	uint8_t *map;           /* of the last survey */
	uint32_t parts;         /* parts that it covers */
	uint64_t cursor;        /* visited so far, in steps of 8 bytes */
};

bool     rfm_room_take(struct rfm_room *, const struct rfm_payload *,
    uint32_t length, struct rfm_place *);
bool     rfm_room_survey_pays(const struct rfm_room *,
    const struct rfm_payload *);
uint64_t rfm_room_map_bytes(const struct rfm_payload *);
void     rfm_room_survey(struct rfm_room *, const struct rfm_payload *,
    uint8_t *map);
uint64_t rfm_room_next_part(const struct rfm_payload *, uint32_t length);
void     rfm_room_extended(struct rfm_room *, const struct rfm_payload *);
/* writing strings */
void rfm_cells_put(struct rfm_payload *, uint64_t i,
    const struct rfm_text *, const struct rfm_place *, struct rfm_room *);
/* moving many strings */
uint64_t rfm_cells_gather(const struct rfm_payload *from,
    const int64_t *positions, uint64_t count, struct rfm_payload *to,
    uint64_t at);
enum rfm_status rfm_cells_move(const struct rfm_payload *from,
    struct rfm_payload *to, uint64_t *at, uint64_t end,
    struct rfm_room *);
uint64_t rfm_cells_room(uint32_t length);
uint64_t rfm_cells_far_bytes(const struct rfm_payload *, uint64_t at,
    uint64_t end);
bool     rfm_cells_reach(const struct rfm_payload *, uint64_t at,
    uint64_t end, uint64_t *reach);
#endif
