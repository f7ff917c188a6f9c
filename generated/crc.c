/* Tangled from lit/20_crc.nw by 'make tangle': change it there, not here. */
#include "crc.h"
#include <string.h>

/* let the compiler build the table of remainders */
#define STEP(r)    (((r) >> 1) ^ (RFM_CRC_POLYNOMIAL & (0u - ((r) & 1u))))
#define BYTE(b)    STEP(STEP(STEP(STEP(STEP(STEP(STEP(STEP(b))))))))
#define FOUR(b)    BYTE((b)), BYTE((b) + 1u), BYTE((b) + 2u), BYTE((b) + 3u)
#define SIXTEEN(b) FOUR(b), FOUR((b) + 4u), FOUR((b) + 8u), FOUR((b) + 12u)
#define SIXTY4(b)  SIXTEEN(b), SIXTEEN((b) + 16u), \
		   SIXTEEN((b) + 32u), SIXTEEN((b) + 48u)

static const uint32_t remainders[256] = {
	SIXTY4(0u), SIXTY4(64u), SIXTY4(128u), SIXTY4(192u)
};
/* let the instruction take whole words */
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) static size_t
by_instruction(uint32_t *r, const uint8_t *byte, size_t n)
{
	uint64_t word, wide = *r;
	size_t   done;

	for (done = 0; n - done >= sizeof word; done += sizeof word) {
		memcpy(&word, byte + done, sizeof word);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	*r = (uint32_t)wide;
	return done;
}

#define HAS_INSTRUCTION __builtin_cpu_supports("sse4.2")
#else
#define by_instruction(r, byte, n) ((size_t)0)
#define HAS_INSTRUCTION 0
#endif

uint32_t
rfm_crc32c(uint32_t so_far, const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;
	uint32_t       r = ~so_far;
	size_t         i = HAS_INSTRUCTION ? by_instruction(&r, byte, n) : 0;

	for (; i < n; i++)
		r = (r >> 8) ^ remainders[(r ^ byte[i]) & 255u];
	return ~r;
}
