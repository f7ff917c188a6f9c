/* Tangled from lit/25_layout.nw by 'make tangle': change it there, not here. */
#ifndef RFM_LAYOUT_H
#define RFM_LAYOUT_H
#include "base.h"

/* the fixed numbers of format 1 */
#define RFM_FORMAT_VERSION     1
#define RFM_SECTOR_BYTES       512
#define RFM_PAGE_BYTES         4096
#define RFM_GRANULE_BYTES      64
#define RFM_OWNER_OFFSET       8192
#define RFM_OWNER_BYTES        256
#define RFM_HEAP_OFFSET        12288
#define RFM_FILE_STEP_BYTES    65536
#define RFM_FILE_MIN_BYTES     131072
#define RFM_FILE_MAX_BYTES     (1ULL << 46)
#define RFM_FILE_DEFAULT_BYTES 33554432
#define RFM_SUPERBLOCKS        2

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "the file format is that of little-endian machines");
/* the superblock */
#define RFM_SUPERBLOCK_CLEAN   1u
#define RFM_SUPERBLOCK_SCRATCH 2u

struct rfm_superblock_disk {
	uint8_t  magic[8];
	uint32_t version;
	uint32_t flags;
	uint8_t  uuid[16];
	uint64_t sequence;      /* the higher valid copy wins */
	uint64_t head_offset;   /* the first log segment */
	uint64_t head_bytes;
	uint64_t head_salt;
	uint8_t  boot[16];
	uint64_t end_sequence;  /* if clean: of the next record */
	uint64_t file_bytes;    /* the file is at least so long */
	uint8_t  reserved[28];  /* zero */
	uint32_t checksum;      /* of all bytes before it */
};
/* the head of a log segment */
#define RFM_SEGMENT_MIN_BYTES     512
#define RFM_SEGMENT_MAX_BYTES     (1ULL << 36)
#define RFM_SEGMENT_DEFAULT_BYTES 65536

struct rfm_segment_disk {
	uint8_t  magic[8];        /* "RFMSEG1\n" */
	uint64_t salt;
	uint64_t bytes;           /* of the whole segment */
	uint64_t first_sequence;  /* of its first record */
	uint8_t  reserved[28];    /* zero */
	uint32_t checksum;
};
/* the head of a record */
enum rfm_record_kind {
	RFM_RECORD_ALLOCATE = 1,
	RFM_RECORD_FREE,
	RFM_RECORD_SEAL,
	RFM_RECORD_COMMIT,
	RFM_RECORD_LINK,
	RFM_RECORD_MOVE,
	RFM_RECORD_EXTEND,
	RFM_RECORD_NAME
};

#define RFM_RECORD_MORE 1u

struct rfm_record_disk {
	uint32_t checksum;  /* of all that follows, body included */
	uint32_t bytes;     /* head and body, a multiple of 8 */
	uint64_t salt;      /* of its segment */
	uint64_t sequence;
	uint32_t kind;
	uint32_t flags;
};
/* the bodies of the records */
#define RFM_ALLOCATE_SEALED  1u
#define RFM_ALLOCATE_ELEMENT 2u
#define RFM_SEAL_REFERENCED  1u
#define RFM_NAME_MAX_BYTES   1024u
#define RFM_NOTE_MAX_BYTES   2048u

enum rfm_checksum_kind { RFM_CHECKSUM_NONE, RFM_CHECKSUM_CRC32C };

struct rfm_allocate_disk {
	uint64_t id;
	uint64_t offset;
	uint64_t bytes;     /* of the payload, with room to grow */
	uint64_t length;    /* in elements */
	uint32_t type;      /* enum rfm_type */
	uint32_t flags;
	uint32_t checksum_kind;
	uint32_t payload_checksum;
	uint64_t owner;     /* of a part; 0: it is no part */
};
struct rfm_free_disk   { uint64_t id; };
struct rfm_seal_disk   { uint64_t id; uint32_t flags, reserved;
			 uint32_t checksum_kind, payload_checksum; };
struct rfm_move_disk   { uint64_t id, offset, bytes, length; };
struct rfm_extend_disk { uint64_t id, length; };
struct rfm_name_disk   { uint64_t id;         /* 0: no more */
			 int64_t  time;       /* seconds since 1970 */
			 uint32_t name_bytes, note_bytes; };
struct rfm_commit_disk { uint64_t epoch, next_id; };
struct rfm_link_disk   { uint64_t offset, bytes, salt; };

#define RFM_BODY_MAX_BYTES (sizeof(struct rfm_name_disk) + \
    RFM_NAME_MAX_BYTES + RFM_NOTE_MAX_BYTES)
/* the types of elements */
enum rfm_type {
	RFM_LOGICAL = 1,
	RFM_INTEGER,
	RFM_NUMERIC,
	RFM_COMPLEX,
	RFM_RAW,
	RFM_CHARACTER,  /* cells; the bytes of long strings in parts */
	RFM_LIST,       /* ids of records; 0 stands for NULL */
	RFM_BYTES,      /* no R vector: a raw block, or a part */
	RFM_OBJECT,     /* ids: vector, names of attributes, values */
	RFM_SERIALIZED, /* bytes that R's serialize() wrote */
	RFM_TYPES
};
#define RFM_STRING_INLINE_BYTES 12
#define RFM_STRING_NA           0xffffffffu
#define RFM_STRING_IS_BYTES     0x80000000u

struct rfm_string_disk {
	uint32_t length;  /* NA, or bytes; top bit: encoding "bytes" */
	union {
		uint8_t text[RFM_STRING_INLINE_BYTES];
		struct {
			uint8_t  prefix[4];
			uint32_t part;
			uint32_t offset;
		} far;
	};
};

_Static_assert(sizeof(struct rfm_string_disk) == 16, "format 1");
/* the sizes of format 1 never change */
_Static_assert(sizeof(struct rfm_superblock_disk) == 128, "format 1");
_Static_assert(sizeof(struct rfm_segment_disk) == 64, "format 1");
_Static_assert(sizeof(struct rfm_record_disk) == 32, "format 1");
_Static_assert(sizeof(struct rfm_allocate_disk) == 56, "format 1");
_Static_assert(sizeof(struct rfm_free_disk) == 8, "format 1");
_Static_assert(sizeof(struct rfm_seal_disk) == 24, "format 1");
_Static_assert(sizeof(struct rfm_move_disk) == 32, "format 1");
_Static_assert(sizeof(struct rfm_extend_disk) == 16, "format 1");
_Static_assert(sizeof(struct rfm_name_disk) == 24, "format 1");
_Static_assert(sizeof(struct rfm_commit_disk) == 16, "format 1");
_Static_assert(sizeof(struct rfm_link_disk) == 24, "format 1");
/* layout: prototypes */
uint64_t rfm_type_bytes(uint32_t type);
bool rfm_type_has_ids(uint32_t type);
bool rfm_extent_bytes(uint64_t payload_bytes, uint64_t *extent_bytes);
uint64_t rfm_extent_align(uint64_t payload_bytes);
bool rfm_extent_valid(uint64_t offset, uint64_t payload_bytes,
    uint64_t file_bytes);
void rfm_superblock_seal(struct rfm_superblock_disk *);
enum rfm_status rfm_superblock_choose(
    const struct rfm_superblock_disk copies[RFM_SUPERBLOCKS],
    uint64_t file_bytes, unsigned *winner, struct rfm_error *);
void rfm_segment_seal(struct rfm_segment_disk *);
bool rfm_segment_valid(const struct rfm_segment_disk *,
    uint64_t bytes, uint64_t salt);
uint32_t rfm_record_body_bytes(uint32_t kind, const void *body);
bool rfm_text_valid(const char *text, size_t bytes);
bool rfm_name_valid(const void *body);
void rfm_record_seal(void *record);
uint32_t rfm_name_body_bytes(uint32_t name_bytes,
    uint32_t note_bytes);
bool rfm_record_valid(const void *bytes, uint64_t available,
    uint64_t salt, uint64_t sequence);
#endif
