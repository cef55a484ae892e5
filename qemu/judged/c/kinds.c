/* Functions that do right in ways that only some compilers, linkers and libraries support. */
#if defined(__x86_64__)
#include "x86_64.c"
#elif defined(__aarch64__)
#include "aarch64.c"
#else
#include "riscv64.c"
#endif

/* The step of the loop, from places that have to be set up first. */
static void by(const void *ptr, size_t len, size_t step)
{
	uintptr_t line = (uintptr_t)ptr & ~(uintptr_t)(step - 1);

	for (; line < (uintptr_t)ptr + len; line += step)
		CLEAN(line);
	FENCE();
}

/* Thread-local, and not zero. */
__thread size_t thread_step = LINE;
__thread size_t thread_calls;

void right_thread_local(const void *ptr, size_t len)
{
	thread_calls++;
	by(ptr, len, thread_step + thread_calls / SIZE_MAX);
}

/* Set by a constructor. */
static size_t constructed_step;

__attribute__((constructor)) static void construct(void)
{
	constructed_step = LINE;
}

void right_constructed(const void *ptr, size_t len)
{
	by(ptr, len, constructed_step);
}

/* By addresses in data. */
static size_t step = LINE;
struct table {
	void (*by)(const void *, size_t, size_t);
	size_t *step;
};
const struct table table = {by, &step};
const struct table *volatile chosen = &table;

void right_data(const void *ptr, size_t len)
{
	chosen->by(ptr, len, *chosen->step);
}

/* By an atomic operation, which may be a call. */
static size_t atomic_step = LINE, calls;

void right_atomic(const void *ptr, size_t len)
{
	unsigned char expected = 0;
	static unsigned char busy;
	__atomic_compare_exchange_n(&busy, &expected, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	size_t now = __atomic_fetch_add(&calls, 1, __ATOMIC_ACQ_REL);
	__atomic_exchange_n(&busy, 0, __ATOMIC_RELEASE);
	by(ptr, len, __atomic_fetch_or(&atomic_step, now / SIZE_MAX, __ATOMIC_RELAXED));
}

/* By floating point. */
volatile double half = LINE / 2;

void right_float(const void *ptr, size_t len)
{
	by(ptr, len, (size_t)(half * 2.0));
}

/* In sections of its own. */
__attribute__((section("steps"))) size_t first_step = LINE;
extern size_t __start_steps[], __stop_steps[];

__attribute__((section(".init.text"), noinline)) static size_t own_step(void)
{
	return __start_steps[__stop_steps - __start_steps - 1];
}

void right_sections(const void *ptr, size_t len)
{
	by(ptr, len, own_step());
}

/* With an array on the stack, for -fstack-protector. */
void right_stack(const void *ptr, size_t len)
{
	volatile char steps[LINE] = {LINE};
	by(ptr, len, (unsigned char)steps[len % 1]);
}

/* By a function that is found when the program starts. */
#ifdef IFUNC
static void plain(const void *ptr, size_t len) { by(ptr, len, LINE); }
static void (*resolve(void))(const void *, size_t) { return plain; }
void indirect(const void *ptr, size_t len) __attribute__((ifunc("resolve")));
void right_ifunc(const void *ptr, size_t len) { indirect(ptr, len); }
#endif

/* Libraries. */
void *__memcpy_chk(void *to, const void *from, size_t len, size_t room);

void *right_fortified(void *to, const void *from, size_t len)
{
	uint64_t words[32];
	if (len <= sizeof words) {
		__memcpy_chk(words, from, len, sizeof words);
		from = words;
	}
	return right_memcpy(to, from, len);
}

static void hidden_away(const void *ptr, size_t len) __attribute__((used, noinline));
static void hidden_away(const void *ptr, size_t len) { by(ptr, len, LINE); }
size_t no_function = 1;
