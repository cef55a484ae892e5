/* Codes and their sentences. */
#include "check.h"

static const int codes[] = {
	KPMEM_E_NULL,		KPMEM_E_EMPTY,		  KPMEM_E_WRAPS,
	KPMEM_E_OUTSIDE_MAP,	KPMEM_E_UNSUPPORTED,	  KPMEM_E_NOT_INVALIDATED,
	KPMEM_E_LINE_SIZE,	KPMEM_E_WRONG_GRANULARITY, KPMEM_E_FLAGS,
	KPMEM_E_MISALIGNED,	KPMEM_E_ALREADY_SELECTED, KPMEM_E_NO_HOOK,
	KPMEM_E_OVERLAP,	KPMEM_E_SLOT_IN_USE,	  KPMEM_E_NOT_COVERED,
	KPMEM_E_TOO_COARSE,	KPMEM_E_NOT_MAPPED,	  KPMEM_E_NOT_WRITE_BACK,
	KPMEM_E_NOT_ARMED,	KPMEM_E_POISONED,	  KPMEM_E_POISON_FULL,
	KPMEM_E_NO_DEEP_DOMAIN, KPMEM_E_SYNC,		  KPMEM_E_UNREADABLE,
	KPMEM_E_SIGNATURE,	KPMEM_E_CHECKSUM,	  KPMEM_E_TRUNCATED,
	KPMEM_E_LENGTH,		KPMEM_E_VALUE,		  KPMEM_E_DANGLING,
	KPMEM_E_DUPLICATE,	KPMEM_E_OVERLAP_IN_TABLE, KPMEM_E_TOO_MANY,
	KPMEM_E_TREE,		KPMEM_E_MISSING,	  KPMEM_E_HANDLE,
	KPMEM_E_ARGUMENT,	KPMEM_E_NO_MORE,	  KPMEM_E_NOT_REGISTERED,
	KPMEM_E_BUSY,
};
#define CODES (sizeof(codes) / sizeof(codes[0]))

void test_errors(void)
{
	char text[200], other[200], unknown[200];
	size_t i, j, len;
	int distinct = 1, negative = 1, ended = 1, known = 1;

	kpmem_errormsg(-300000, unknown, sizeof(unknown));
	for (i = 0; i < CODES; i++) {
		len = kpmem_errormsg(codes[i], text, sizeof(text));
		negative &= codes[i] < -4095;
		ended &= len > 10 && len < sizeof(text) && strlen(text) == len;
		known &= strcmp(text, unknown) != 0;
		for (j = 0; j < i; j++) {
			kpmem_errormsg(codes[j], other, sizeof(other));
			distinct &= codes[i] != codes[j] && strcmp(text, other) != 0;
		}
	}
	CHECK("every code is negative, and below those of hooks", negative);
	CHECK("every code has a sentence of its own", distinct);
	CHECK("every sentence ends, and its length is told", ended);
	CHECK("every code is known", known);
	CHECK("an unknown code is told", strstr(unknown, "unknown") != NULL);
	CHECK("0 is no error", kpmem_errormsg(0, text, sizeof(text)) == 8);
	CHECK("a hook's code is told to be one",
	      kpmem_errormsg(-5, text, sizeof(text)) > 0 && strstr(text, "hook") != NULL);

	memset(text, 'x', sizeof(text));
	len = kpmem_errormsg(KPMEM_E_NULL, text, 5);
	CHECK("a sentence is cut where the buffer ends", strcmp(text, "the ") == 0);
	CHECK("nothing is written behind the buffer", text[5] == 'x');
	CHECK("its whole length is told", len > 5);
	CHECK("a buffer of one byte holds the end",
	      kpmem_errormsg(KPMEM_E_NULL, text, 1) == len && text[0] == 0);
	text[0] = 'x';
	CHECK("a buffer of no bytes is not touched",
	      kpmem_errormsg(KPMEM_E_NULL, text, 0) == len && text[0] == 'x');
	CHECK("without a buffer the length is told", kpmem_errormsg(KPMEM_E_NULL, NULL, 9) == len);
}
