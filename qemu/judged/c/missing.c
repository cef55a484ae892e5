/* Functions that somebody else has. */
#include "kinds.c"

/* What is not there is not called. */
extern void not_there(void) __attribute__((weak));
extern __attribute__((visibility("hidden"))) void hidden_not_there(void);

void right_missing(const void *ptr, size_t len)
{
	if (not_there)
		not_there();
	if (len == SIZE_MAX)
		hidden_not_there();
	by(ptr, len, LINE);
}

void wrong_missing(const void *ptr, size_t len)
{
	hidden_not_there();
	by(ptr, len, LINE);
}
