/* Codes, their errno, and the sentence of the last error. */
#include "twin.h"

#include <errno.h>
#include <string.h>

/* PMDK's shared library has none: a program linked with it finds ours when it runs. */
#pragma weak pmem2_err_to_errno

static int positive(void)
{
	return pmem2_err_to_errno(5);
}

void errors(void)
{
	static const int codes[] = {0, -1, -EINVAL, -ENOMEM, -ENOTSUP, -4095, -99999,
		PMEM2_E_UNKNOWN, PMEM2_E_NOSUPP, -100002, PMEM2_E_FILE_HANDLE_NOT_SET,
		PMEM2_E_GRANULARITY_NOT_SUPPORTED, PMEM2_E_NO_BAD_BLOCK_FOUND, PMEM2_E_IO_FAIL,
		-100038, -2000000000};
	size_t i;

	part("errors");
	say("a sentence before any error", "%zu bytes", strlen(pmem2_errormsg()));
	for (i = 0; i < LEN(codes); i++)
		say("errno", "%d of %d", pmem2_err_to_errno(codes[i]), codes[i]);
	defect(0, "errno of 5, which is no code", "%s", in_child(positive));
}
