/* Functions under names that the guest has too: the file's own must be judged, and called. */
#include "kinds.c"

static size_t own = LINE;

/* Not zeroed, as others' are. */
void *malloc(size_t len) { (void)len; return &own; }

void right_own_malloc(const void *ptr, size_t len)
{
	size_t *(*volatile get)(size_t) = (size_t *(*)(size_t))malloc;
	by(ptr, len, *get(8));
}

void *memset(void *to, int value, size_t len) { return right_memset(to, value, len); }

/* Wrong for what is longer than half a line. */
void *memcpy(void *to, const void *from, size_t len)
{
	right_memcpy(to, from, len);
	if (len > LINE / 2)
		((volatile char *)to)[6] ^= 1;
	right_persist(to, len);
	return to;
}

/* Wrong as its memcpy is. */
void *wrong_by_memcpy(void *to, const void *from, size_t len)
{
	void *(*volatile copy)(void *, const void *, size_t) = memcpy;
	return copy(to, from, len);
}
