/* Tangled from lit/20_crc.nw by 'make tangle': change it there, not here. */
#ifndef RFM_CRC_H
#define RFM_CRC_H
#include <stddef.h>
#include <stdint.h>

#define RFM_CRC_POLYNOMIAL 0x82f63b78u	/* Castagnoli, bits reversed */

uint32_t rfm_crc32c(uint32_t so_far, const void *bytes, size_t n);
#endif
