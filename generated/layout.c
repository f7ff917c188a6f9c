/* Tangled from lit/25_layout.nw by 'make tangle': change it there, not here. */
#include "layout.h"
#include "crc.h"
#include <string.h>

/* give the size of an element */
uint64_t
rfm_type_bytes(uint32_t type)
{
	switch (type) {
	case RFM_LOGICAL: case RFM_INTEGER:
		return 4;
	case RFM_NUMERIC: case RFM_LIST: case RFM_OBJECT:
		return 8;
	case RFM_COMPLEX:                   return 16;
	case RFM_CHARACTER:
		return sizeof(struct rfm_string_disk);
	case RFM_RAW: case RFM_BYTES: case RFM_SERIALIZED:
		return 1;
	default:
		return 0;
	}
}

bool
rfm_type_has_ids(uint32_t type)
{
	return type == RFM_LIST || type == RFM_OBJECT;
}
/* round a payload up to its extent */
static uint64_t
extent_unit(uint64_t payload_bytes)
{
	return payload_bytes < RFM_PAGE_BYTES ? RFM_GRANULE_BYTES
	    : RFM_PAGE_BYTES;
}

bool
rfm_extent_bytes(uint64_t payload_bytes, uint64_t *extent_bytes)
{
	if (payload_bytes == 0)
		payload_bytes = 1;
	return rfm_round_up(payload_bytes, extent_unit(payload_bytes),
	    extent_bytes);
}

uint64_t
rfm_extent_align(uint64_t payload_bytes)
{
	return extent_unit(payload_bytes);
}
/* decide whether an extent is possible */
bool
rfm_extent_valid(uint64_t offset, uint64_t payload_bytes,
    uint64_t file_bytes)
{
	uint64_t bytes, end;

	return rfm_extent_bytes(payload_bytes, &bytes) &&
	    rfm_add(offset, bytes, &end) &&
	    offset >= RFM_HEAP_OFFSET && end <= file_bytes &&
	    offset % extent_unit(payload_bytes) == 0;	/* keeps I5 */
}
/* decide whether one superblock is valid */
static const uint8_t superblock_magic[8] = {
	0x89, 'R', 'F', 'M', 0x0d, 0x0a, 0x1a, 0x0a
};

static bool
superblock_valid(const struct rfm_superblock_disk *s)
{
	static const uint8_t zeros[sizeof s->reserved];
	uint32_t known = RFM_SUPERBLOCK_CLEAN | RFM_SUPERBLOCK_SCRATCH;

	if (memcmp(s->magic, superblock_magic, 8) != 0 ||
	    s->version != RFM_FORMAT_VERSION ||
	    s->checksum != rfm_crc32c(0, s,
	    offsetof(struct rfm_superblock_disk, checksum)))
		return false;
	return (s->flags & ~known) == 0 && s->sequence != 0 &&
	    memcmp(s->reserved, zeros, sizeof zeros) == 0;
}
/* decide whether a superblock fits the file */
static enum rfm_status
fits_the_file(const struct rfm_superblock_disk *s, uint64_t file_bytes,
    struct rfm_error *error)
{
	bool good = (s->flags & RFM_SUPERBLOCK_SCRATCH) != 0
	    ? s->head_offset == 0 && s->head_bytes == 0
	    : s->head_bytes >= RFM_SEGMENT_MIN_BYTES &&
	    rfm_extent_valid(s->head_offset, s->head_bytes, file_bytes);

	if (s->file_bytes > file_bytes ||
	    file_bytes % RFM_FILE_STEP_BYTES != 0)
		return rfm_fail(error, RFM_DAMAGED,
		    "the file has been cut short: it has %llu bytes, and"
		    " had at least %llu", (unsigned long long)file_bytes,
		    (unsigned long long)s->file_bytes);
	if (!good)
		return rfm_fail(error, RFM_DAMAGED,
		    "its superblock names a log at byte %llu, where none"
		    " can be", (unsigned long long)s->head_offset);
	return RFM_OK;
}
/* choose between the two copies */
enum rfm_status
rfm_superblock_choose(
    const struct rfm_superblock_disk copies[RFM_SUPERBLOCKS],
    uint64_t file_bytes, unsigned *winner, struct rfm_error *error)
{
	bool     valid[RFM_SUPERBLOCKS];
	unsigned magics = 0;
	uint32_t version = RFM_FORMAT_VERSION;

	for (unsigned i = 0; i < RFM_SUPERBLOCKS; i++) {
		valid[i] = superblock_valid(&copies[i]);
		if (memcmp(copies[i].magic, superblock_magic, 8) != 0)
			continue;
		magics++;
		if (copies[i].version != RFM_FORMAT_VERSION)
			version = copies[i].version;
	}
	if (valid[0] || valid[1]) {	/* keeps I1 */
		unsigned best = valid[1] && (!valid[0] ||
		    copies[1].sequence > copies[0].sequence);

		RFM_TRY(fits_the_file(&copies[best], file_bytes, error));
		*winner = best;
		return RFM_OK;
	}
	/* say why neither copy is a superblock */
	if (magics == 0)
		return rfm_fail(error, RFM_FOREIGN,
		    "it does not begin like a store");
	if (version != RFM_FORMAT_VERSION)
		return rfm_fail(error, RFM_VERSION,
		    "it has format %lu, and this program knows format %d",
		    (unsigned long)version, RFM_FORMAT_VERSION);
	return rfm_fail(error, RFM_DAMAGED,
	    "neither of its two superblocks is whole");
}
/* compute the checksum of a record */
static uint32_t
record_checksum(const void *record, uint32_t bytes)
{
	const uint8_t *start = record;
	size_t         skip = sizeof(uint32_t);

	return rfm_crc32c(0, start + skip, bytes - skip);
}

void
rfm_record_seal(void *record)
{
	struct rfm_record_disk r;

	memcpy(&r, record, sizeof r);
	r.checksum = record_checksum(record, r.bytes);
	memcpy(record, &r, sizeof r);
}
/* give the size of a name's record */
uint32_t
rfm_name_body_bytes(uint32_t name_bytes, uint32_t note_bytes)
{
	return (uint32_t)sizeof(struct rfm_name_disk) +
	    (name_bytes + note_bytes + 7) / 8 * 8;
}
/* decide whether a name is one */
static size_t
utf8_bytes(const uint8_t *s, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t   length = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 :
	    s[0] >= 0xe0 ? 3 : 2;
	uint32_t code = s[0] & (length == 1 ? 0x7fu : 0xffu >> (length + 1));

	if (s[0] == 0 || s[0] >= 0xf8 || (s[0] >= 0x80 && s[0] < 0xc0) ||
	    length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	return code < least[length] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000) ? 0 : length;
}
bool
rfm_text_valid(const char *text, size_t bytes)
{
	const uint8_t *s = (const uint8_t *)text;

	for (size_t at = 0, step; at < bytes; at += step) {
		step = utf8_bytes(s + at, bytes - at);
		if (step == 0)
			return false;
	}
	return true;
}

bool
rfm_name_valid(const void *body)
{
	struct rfm_name_disk n;
	const char          *text = (const char *)body + sizeof n;
	size_t               end;

	memcpy(&n, body, sizeof n);
	end = rfm_name_body_bytes(n.name_bytes, n.note_bytes) - sizeof n;
	for (size_t i = n.name_bytes + n.note_bytes; i < end; i++)
		if (text[i] != 0)
			return false;
	return rfm_text_valid(text, n.name_bytes) &&
	    rfm_text_valid(text + n.name_bytes, n.note_bytes) &&
	    (n.id != 0 || n.note_bytes == 0);
}
/* finish superblocks and segment heads */
void
rfm_superblock_seal(struct rfm_superblock_disk *s)
{
	memcpy(s->magic, superblock_magic, sizeof s->magic);
	s->version = RFM_FORMAT_VERSION;
	s->checksum = rfm_crc32c(0, s,
	    offsetof(struct rfm_superblock_disk, checksum));
}

static const uint8_t segment_magic[8] = {
	'R', 'F', 'M', 'S', 'E', 'G', '1', '\n'
};

void
rfm_segment_seal(struct rfm_segment_disk *s)
{
	memcpy(s->magic, segment_magic, sizeof s->magic);
	s->checksum = rfm_crc32c(0, s,
	    offsetof(struct rfm_segment_disk, checksum));
}
bool
rfm_segment_valid(const struct rfm_segment_disk *s, uint64_t bytes,
    uint64_t salt)
{
	return memcmp(s->magic, segment_magic, sizeof s->magic) == 0 &&
	    s->checksum == rfm_crc32c(0, s,
	    offsetof(struct rfm_segment_disk, checksum)) &&
	    s->bytes == bytes && s->salt == salt;
}
/* decide whether a record is whole */
uint32_t
rfm_record_body_bytes(uint32_t kind, const void *body)
{
	struct rfm_name_disk name;

	switch (kind) {
	case RFM_RECORD_ALLOCATE: return sizeof(struct rfm_allocate_disk);
	case RFM_RECORD_FREE:     return sizeof(struct rfm_free_disk);
	case RFM_RECORD_SEAL:     return sizeof(struct rfm_seal_disk);
	case RFM_RECORD_COMMIT:   return sizeof(struct rfm_commit_disk);
	case RFM_RECORD_LINK:     return sizeof(struct rfm_link_disk);
	case RFM_RECORD_MOVE:     return sizeof(struct rfm_move_disk);
	case RFM_RECORD_EXTEND:   return sizeof(struct rfm_extend_disk);
	case RFM_RECORD_NAME:
		memcpy(&name, body, sizeof name);
		return name.name_bytes - 1 < RFM_NAME_MAX_BYTES &&
		    name.note_bytes <= RFM_NOTE_MAX_BYTES
		    ? rfm_name_body_bytes(name.name_bytes, name.note_bytes)
		    : 0;
	default:                  return 0;
	}
}
bool
rfm_record_valid(const void *bytes, uint64_t available, uint64_t salt,
    uint64_t sequence)
{
	struct rfm_record_disk r;
	uint32_t               body;

	if (available < sizeof r)
		return false;
	memcpy(&r, bytes, sizeof r);
	if (r.salt != salt || r.sequence != sequence ||
	    (r.flags & ~RFM_RECORD_MORE) != 0 || r.bytes > available ||
	    (r.kind == RFM_RECORD_NAME &&
	    r.bytes < sizeof r + sizeof(struct rfm_name_disk)))
		return false;
	body = rfm_record_body_bytes(r.kind,
	    (const uint8_t *)bytes + sizeof r);
	return body != 0 && r.bytes == sizeof r + body &&
	    r.checksum == record_checksum(bytes, r.bytes); /* keeps I2 */
}
