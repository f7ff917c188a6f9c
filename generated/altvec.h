/* Tangled from lit/65_altvec.nw by 'make tangle': change it there, not here. */
#ifndef RFM_ALTVEC_H
#define RFM_ALTVEC_H
#include "runtime.h"

/* types in R and in the file */
#define RFM_R_TYPES (RFM_LIST + 1)      /* 0 is none of them */
#define RFM_VIEW_MIN_BYTES 65536        /* of subsets that are views */

uint32_t    rfm_type_of(int sexp);
SEXPTYPE    rfm_type_sexp(uint32_t type);
bool        rfm_type_fixed(uint32_t type);
const char *rfm_type_name(uint32_t type);
uint32_t    rfm_type_named(const char *name);
/* asking whether a vector is ours */
SEXP                rfm_altvec_inner(SEXP x);    /* NULL: not ours */
struct rfm_payload *rfm_altvec_payload(SEXP x);  /* NULL: not ours */
struct rfm_runtime *rfm_altvec_runtime(SEXP x);  /* NULL: none any more */
struct rfm_payload *rfm_altvec_live(SEXP x);     /* or an R error */
bool                rfm_altvec_open(SEXP x);     /* is its store? */
/* remembering the vectors read last */
#define RFM_MEMORIES 64

struct rfm_memory {
	SEXP                vector;
	uint64_t            turn;
	struct rfm_payload *payload;
	void               *beside;    /* for the chapter on the type */
};

extern attribute_hidden struct rfm_memory rfm_memories[RFM_MEMORIES];

struct rfm_payload *rfm_altvec_look_up(SEXP x);  /* and remember it */

static inline struct rfm_memory *
rfm_altvec_recall(SEXP x)                        /* NULL: not known */
{
	struct rfm_memory *memory =
	    &rfm_memories[(uintptr_t)x / 8 % RFM_MEMORIES];

	return memory->vector == x && memory->turn == rfm_payload_turns ?
	    memory : NULL;
}
/* making vectors */
/* places of a box */
enum { RFM_BOX_PROMISE, RFM_BOX_CACHE, RFM_BOX_RECORD, RFM_BOX_TABLE,
	RFM_BOX_MAP, RFM_BOX_PLACES };

SEXP rfm_altvec_blank(uint32_t type, double promised_length);
SEXP rfm_altvec_member(struct rfm_runtime *, uint32_t type);
SEXP rfm_altvec_window(SEXP pointer, uint32_t type);
SEXP rfm_altvec_alias(SEXP x);             /* x is ours, no wrapper */
void rfm_altvec_lend(SEXP x);              /* the same */
void rfm_altvec_own(SEXP x);               /* if lent and shared */
SEXP rfm_altvec_view(SEXP x, uint64_t from, uint64_t length);
SEXP rfm_altvec_view_on(struct rfm_runtime *, struct rfm_payload *,
         uint64_t from, uint64_t length);
SEXP rfm_altvec_run(SEXP x, SEXP index);   /* a view, or NULL */
bool rfm_altvec_is_compact(SEXP index);    /* R's a:b, as it was made */
void rfm_altvec_fill(SEXP x, struct rfm_runtime *, struct rfm_payload *);
void rfm_altvec_spend(SEXP x);             /* nobody else has it */
SEXP rfm_altvec_temporary(struct rfm_runtime *, uint32_t type,
         uint64_t length);
SEXP rfm_altvec_sibling(SEXP x, uint32_t type, uint64_t length);
SEXP rfm_altvec_class(uint32_t type, int dimensions);
SEXP rfm_altvec_model(uint32_t type);      /* has the class of a vector */
int  rfm_altvec_no_na(SEXP x);
void rfm_altvec_load(DllInfo *);
/* moving elements by blocks */
void rfm_altvec_read(SEXP x, uint64_t from, uint64_t count, void *to);
void rfm_altvec_copy(SEXP x, SEXP to);

#define RFM_POSITIONS 2048
void rfm_altvec_positions(SEXP index, R_xlen_t from, R_xlen_t count,
    R_xlen_t length, int64_t *positions);
/* what other chapters add */
struct rfm_altvec_kind {
	const char *wrapper;
	bool      (*settle)(SEXP x);
	void      (*copy)(SEXP x, SEXP to);
};

void rfm_altvec_join(uint32_t type, R_altrep_class_t,
    const struct rfm_altvec_kind *);
bool rfm_altvec_settle(SEXP x);            /* x is ours, no wrapper */
extern attribute_hidden bool rfm_altvec_by_value; /* no references now */
SEXP rfm_altvec_reference(SEXP x);
SEXP rfm_altvec_recover(SEXP class, SEXP state);
NORET void rfm_altvec_refuse(const char *why); /* a bad reference */
#endif
