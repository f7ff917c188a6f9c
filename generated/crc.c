/* Tangled from lit/20_crc.nw by 'make tangle': change it there, not here. */
#include "crc.h"

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

uint32_t
rfm_crc32c(uint32_t so_far, const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;
	uint32_t       r = ~so_far;

	while (n-- > 0)
		r = (r >> 8) ^ remainders[(r ^ *byte++) & 255u];
	return ~r;
}
