/* Tangled from lit/40_space.nw by 'make tangle': change it there, not here. */
#ifndef RFM_SPACE_H
#define RFM_SPACE_H
#include "base.h"

/* how finely free extents are sorted */
#define RFM_SPACE_COLUMNS 32	/* bins for each doubling of the size */
#define RFM_SPACE_LOOKS   16	/* extents examined one by one */
struct rfm_space;

/* make and unmake a space */
typedef void *rfm_space_resize(void *old, size_t bytes);

enum rfm_status rfm_space_create(struct rfm_space **space,
    struct rfm_error *error);
enum rfm_status rfm_space_create_on(struct rfm_space **space,
    rfm_space_resize *resize, struct rfm_error *error);
void rfm_space_destroy(struct rfm_space *space);
/* say what is free and what is not */
enum rfm_status rfm_space_add(struct rfm_space *space,
    uint64_t offset, uint64_t bytes, struct rfm_error *error);
enum rfm_status rfm_space_expect(struct rfm_space *space,
    uint64_t extents, struct rfm_error *error);
/* take room and give it back */
enum rfm_status rfm_space_take(struct rfm_space *space,
    uint64_t bytes, uint64_t align, uint64_t *offset,
    struct rfm_error *error);
enum rfm_status rfm_space_give(struct rfm_space *space,
    uint64_t offset, uint64_t bytes, struct rfm_error *error);
bool rfm_space_widen(struct rfm_space *space, uint64_t offset,
    uint64_t bytes, uint64_t new_bytes);
uint64_t rfm_space_behind(const struct rfm_space *space, uint64_t end);
/* look at what is free */
struct rfm_space_sum {
	uint64_t free_bytes, extents, largest_bytes;
};

void rfm_space_summary(const struct rfm_space *space,
    struct rfm_space_sum *sum);
bool rfm_space_next(const struct rfm_space *space, uint64_t *cursor,
    uint64_t *offset, uint64_t *bytes);
bool rfm_space_sound(const struct rfm_space *space);
#endif
