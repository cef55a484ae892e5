/* Flush functions as they are written by hand, right and wrong, over three macros of an instruction
 * set: LINE (bytes), CLEAN(p) (writes the line of p back), FENCE() (waits).
 *
 * A function's name begins with `right_` or `wrong_`: the tests of `cargo xtask judge` go by it. */
#include <stddef.h>
#include <stdint.h>

#define MASK (LINE - 1)

void right_persist(const void *ptr, size_t len)
{
	uintptr_t end = (uintptr_t)ptr + len;

	for (uintptr_t p = (uintptr_t)ptr & ~(uintptr_t)MASK; p < end; p += LINE)
		CLEAN(p);
	FENCE();
}

void right_flush(const void *ptr, size_t len)
{
	uintptr_t end = (uintptr_t)ptr + len;

	for (uintptr_t p = (uintptr_t)ptr & ~(uintptr_t)MASK; p < end; p += LINE)
		CLEAN(p);
}

void right_drain(void)
{
	FENCE();
}

/* Clears one bit instead of six. */
void wrong_rounding(const void *ptr, size_t len)
{
	uintptr_t end = (uintptr_t)ptr + len;

	for (uintptr_t p = (uintptr_t)ptr & ~(uintptr_t)LINE; p < end; p += LINE)
		CLEAN(p);
	FENCE();
}

/* Does not round: the last line of an unaligned range is left out. */
void wrong_last_line(const void *ptr, size_t len)
{
	for (size_t done = 0; done < len; done += LINE)
		CLEAN((uintptr_t)ptr + done);
	FENCE();
}

/* Counts lines from the length alone. */
void wrong_count(const void *ptr, size_t len)
{
	uintptr_t p = (uintptr_t)ptr & ~(uintptr_t)MASK;

	for (size_t n = (len + MASK) / LINE; n > 0; n--, p += LINE)
		CLEAN(p);
	FENCE();
}

/* The loop's own variable is not what is written back. */
void wrong_register(const void *ptr, size_t len)
{
	uintptr_t end = (uintptr_t)ptr + len;

	for (uintptr_t p = (uintptr_t)ptr & ~(uintptr_t)MASK; p < end; p += LINE)
		CLEAN((uintptr_t)ptr);
	FENCE();
}

void wrong_no_fence(const void *ptr, size_t len)
{
	right_flush(ptr, len);
}

void wrong_nothing(const void *ptr, size_t len)
{
	(void)ptr;
	(void)len;
}

/* The fence comes first. */
void wrong_order(const void *ptr, size_t len)
{
	FENCE();
	right_flush(ptr, len);
}

void *right_memmove(void *to, const void *from, size_t len)
{
	volatile unsigned char *t = to;
	const unsigned char *f = from;
	size_t i = 0;

	if ((uintptr_t)t - (uintptr_t)f < len) {
		/* From the end, where the target lies behind. */
		for (i = len; i > 0;) {
			size_t end = ((uintptr_t)t + i) & 7;
			if (end == 0 && i >= 8) {
				uint64_t word;
				__builtin_memcpy(&word, f + i - 8, 8);
				*(volatile uint64_t *)(t + i - 8) = word;
				i -= 8;
			} else {
				t[i - 1] = f[i - 1];
				i--;
			}
		}
	} else {
		while (i < len) {
			if ((((uintptr_t)t + i) & 7) == 0 && len - i >= 8) {
				uint64_t word;
				__builtin_memcpy(&word, f + i, 8);
				*(volatile uint64_t *)(t + i) = word;
				i += 8;
			} else {
				t[i] = f[i];
				i++;
			}
		}
	}
	right_persist(to, len);
	return to;
}

void *right_memcpy(void *to, const void *from, size_t len)
{
	return right_memmove(to, from, len);
}

/* Bytes at a time: every word is torn. */
void *wrong_memcpy_torn(void *to, const void *from, size_t len)
{
	volatile unsigned char *t = to;
	const unsigned char *f = from;

	for (size_t i = 0; i < len; i++)
		t[i] = f[i];
	right_persist(to, len);
	return to;
}

/* The tail of less than a word is written and not flushed. */
void *wrong_memcpy_tail(void *to, const void *from, size_t len)
{
	if (len == 0)
		return to;
	right_memmove(to, from, len);
	volatile unsigned char *last = (unsigned char *)to + len - 1;
	*last ^= 1;
	*last ^= 1;
	right_persist(to, len & ~(size_t)7);
	return to;
}

/* One byte short. */
void *wrong_memcpy_content(void *to, const void *from, size_t len)
{
	return right_memmove(to, from, len - (len > 100));
}

/* Forwards only, whatever overlaps. */
void *wrong_memmove_forwards(void *to, const void *from, size_t len)
{
	volatile unsigned char *t = to;
	const volatile unsigned char *f = from;
	size_t i = 0;

	while (i < len) {
		if ((((uintptr_t)t + i) & 7) == 0 && len - i >= 8) {
			union { uint64_t word; unsigned char bytes[8]; } u;
			for (int k = 0; k < 8; k++)
				u.bytes[k] = f[len - 1 - i - k];
			*(volatile uint64_t *)(t + i) = u.word;
			i += 8;
		} else {
			t[i] = f[i];
			i++;
		}
	}
	right_persist(to, len);
	return to;
}

void *right_memset(void *to, int value, size_t len)
{
	volatile unsigned char *t = to;
	uint64_t word = 0x0101010101010101ull * (unsigned char)value;
	size_t i = 0;

	while (i < len) {
		if ((((uintptr_t)t + i) & 7) == 0 && len - i >= 8) {
			*(volatile uint64_t *)(t + i) = word;
			i += 8;
		} else {
			t[i++] = (unsigned char)value;
		}
	}
	right_persist(to, len);
	return to;
}

void *wrong_memset_unflushed(void *to, int value, size_t len)
{
	if (len == 0)
		return to;
	right_memset(to, value, len);
	((volatile unsigned char *)to)[0] = ~value;
	((volatile unsigned char *)to)[0] = value;
	return to;
}

/* A word at a time, and with it what lies behind the source. */
void *wrong_memcpy_reads_on(void *to, const void *from, size_t len)
{
	volatile unsigned char *t = to;
	const unsigned char *f = from;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = *(const volatile uint64_t *)(f + i);
		for (size_t k = 0; k < 8 && i + k < len; k++)
			t[i + k] = (unsigned char)(word >> 8 * k);
	}
	right_persist(to, len);
	return to;
}

/* Forwards, which is wrong where the target lies behind the source and overlaps. */
void *wrong_memmove_one_way(void *to, const void *from, size_t len)
{
	volatile unsigned char *t = to;
	const volatile unsigned char *f = from;

	for (size_t i = 0; i < len; i++)
		t[i] = f[i];
	right_persist(to, len);
	return to;
}

/* Long ranges are left to somebody else. */
void wrong_long(const void *ptr, size_t len)
{
	if (len < 64 << 10)
		right_flush(ptr, len);
	FENCE();
}

/* Counts down from what may be nothing. */
void wrong_empty(const void *ptr, size_t len)
{
	uintptr_t p = (uintptr_t)ptr & ~(uintptr_t)MASK;
	size_t lines = ((uintptr_t)ptr + len - p + MASK) / LINE;

	do
		CLEAN(p);
	while (p += LINE, --lines != 0);
	FENCE();
}

/* One byte too many. */
void *wrong_memset_overruns(void *to, int value, size_t len)
{
	right_memset(to, value, len + (len > 40));
	return to;
}

/* Takes a line that it flushed last for done: a counter is persisted once. */
void wrong_same_line(const void *ptr, size_t len)
{
	static uintptr_t last;
	uintptr_t end = (uintptr_t)ptr + len;

	for (uintptr_t p = (uintptr_t)ptr & ~(uintptr_t)MASK; p < end; p += LINE)
		if (p != last) {
			CLEAN(p);
			last = p;
		}
	FENCE();
}

void wrong_same_range(const void *ptr, size_t len)
{
	static const void *last;
	static size_t last_len;

	if (ptr != last || len != last_len)
		right_flush(ptr, len);
	last = ptr;
	last_len = len;
	FENCE();
}

/* Sets itself up at the first call, and flushes one line only. */
void wrong_first_call(const void *ptr, size_t len)
{
	static int ready;

	right_flush(ptr, ready || len < LINE ? len : 1);
	ready = 1;
	FENCE();
}

void wrong_16_bits(const void *ptr, size_t len)
{
	right_persist(ptr, (uint16_t)len);
}

void wrong_page_threes(const void *ptr, size_t len)
{
	right_persist(ptr, len < 3 * 4096 ? len : 3 * 4096 - 64);
}

void *wrong_memcpy_returns_end(void *to, const void *from, size_t len)
{
	right_memmove(to, from, len);
	return (char *)to + len;
}

/* A byte behind long copies. */
void *wrong_memcpy_neighbour(void *to, const void *from, size_t len)
{
	right_memmove(to, from, len);
	if (len >= 300) {
		((volatile unsigned char *)to)[len] = 0x5a;
		right_persist((char *)to + len, 1);
	}
	return to;
}

void *wrong_memcpy_source(void *to, const void *from, size_t len)
{
	right_memmove(to, from, len);
	if (len >= 300)
		((volatile unsigned char *)from)[1] ^= 1;
	return to;
}

/* A value of more than a byte. */
void *wrong_memset_value(void *to, int value, size_t len)
{
	if (value < 0 || value > 255)
		value = 0xff;
	return right_memset(to, value, len);
}

/* Both ends have the value already. */
void *wrong_memset_shortcut(void *to, int value, size_t len)
{
	volatile unsigned char *t = to;

	if (len && t[0] == (unsigned char)value && t[len - 1] == (unsigned char)value)
		return to;
	return right_memset(to, value, len);
}
