/* Tangled from lit/58_snapshot.nw by 'make tangle': change it there, not here. */
#ifndef RFM_SNAPSHOT_H
#define RFM_SNAPSHOT_H
#include "store.h"

struct rfm_snapshot;

enum rfm_status rfm_snapshot_begin(struct rfm_store *, struct rfm_os *,
    const char *to, struct rfm_snapshot **, struct rfm_error *);
uint64_t rfm_snapshot_left(const struct rfm_snapshot *);
enum rfm_status rfm_snapshot_step(struct rfm_snapshot *, uint64_t bytes,
    uint64_t *copied, struct rfm_error *);
enum rfm_status rfm_snapshot_finish(struct rfm_snapshot *,
    struct rfm_error *);
void rfm_snapshot_drop(struct rfm_snapshot *);
#endif
