/* Tangled from lit/10_base.nw by 'make tangle': change it there, not here. */
#include "base.h"
#include <stdarg.h>
#include <stdio.h>

enum rfm_status
rfm_fail(struct rfm_error *error, enum rfm_status status,
    const char *format, ...)
{
	va_list arguments;

	if (error == NULL)
		return status;
	error->status = status;
	error->os_errno = 0;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof error->text, format, arguments);
	va_end(arguments);
	return status;
}

/* the names of the status codes */
const char *
rfm_status_name(enum rfm_status status)
{
	static const char *const names[RFM_STATUSES] = {
		[RFM_OK] = "ok", [RFM_ARGUMENT] = "argument",
		[RFM_TOO_LARGE] = "too_large",
		[RFM_NO_MEMORY] = "no_memory", [RFM_NO_ROOM] = "no_room",
		[RFM_DISK_FULL] = "disk_full", [RFM_IO] = "io",
		[RFM_NO_FILE] = "no_file",
		[RFM_PERMISSION] = "permission",
		[RFM_FOREIGN] = "foreign", [RFM_VERSION] = "version",
		[RFM_DAMAGED] = "damaged", [RFM_LOCKED] = "locked",
		[RFM_MODE] = "mode", [RFM_CLOSED] = "closed",
		[RFM_READ_ONLY] = "read_only", [RFM_FORKED] = "forked",
		[RFM_POISONED] = "poisoned",
		[RFM_NO_RECORD] = "no_record",
		[RFM_TOMBSTONE] = "tombstone",
		[RFM_MISMATCH] = "mismatch",
		[RFM_HAS_PARENT] = "has_parent",
		[RFM_NO_NAME] = "no_name",
	};

	if ((unsigned)status >= RFM_STATUSES)
		return "unknown";
	return names[status];
}
/* sums whose overflow is reported */
bool
rfm_add(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

bool
rfm_multiply(uint64_t a, uint64_t b, uint64_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

bool
rfm_round_up(uint64_t value, uint64_t power_of_two, uint64_t *rounded)
{
	uint64_t mask = power_of_two - 1;

	if (!rfm_add(value, mask, rounded))
		return false;
	*rounded &= ~mask;
	return true;
}
