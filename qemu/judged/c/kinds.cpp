// C++ without a library: templates, static data, virtual functions, memory.
#include <stddef.h>
#include <stdint.h>
extern "C" {
#if defined(__x86_64__)
static void clean(uintptr_t p) { asm volatile("clwb (%0)" : : "r"(p) : "memory"); }
static void fence() { asm volatile("sfence" : : : "memory"); }
#elif defined(__aarch64__)
static void clean(uintptr_t p) { asm volatile(".arch armv8.2-a\n dc cvap, %0" : : "r"(p) : "memory"); }
static void fence() { asm volatile("dsb sy" : : : "memory"); }
#else
static void clean(uintptr_t p) { register uintptr_t at asm("a0") = p; asm volatile(".word 0x0015200f" : : "r"(at) : "memory"); }
static void fence() { asm volatile("fence iorw, iorw" : : : "memory"); }
#endif
}
template <size_t Line> struct Flusher {
	virtual ~Flusher() {}
	virtual void flush(uintptr_t at, uintptr_t end) const {
		for (at &= ~(Line - 1); at < end; at += Line) clean(at);
	}
	virtual void drain() const = 0;
};
template <size_t Line> struct Whole final : Flusher<Line> {
	size_t calls = 0;
	void drain() const override { fence(); }
};
volatile size_t one = 1;
static Flusher<64> *make() { return new Whole<64>(); }
extern "C" void right_persist(const void *p, size_t n) {
	static Flusher<64> *const f = one ? make() : nullptr;
	f->flush((uintptr_t)p, (uintptr_t)p + n);
	f->drain();
}
static Whole<64> global;
Flusher<64> *volatile that = &global;
extern "C" void right_global(const void *p, size_t n) {
	that->flush((uintptr_t)p, (uintptr_t)p + n);
	that->drain();
}
extern "C" void wrong_persist(const void *p, size_t n) {
	Flusher<128> *volatile f = new Whole<128>();
	f->flush((uintptr_t)p, (uintptr_t)p + n);
	f->drain();
	delete f;
}
void mangled(const void *p, size_t n) { right_persist(p, n); }
struct Error { int code; };
extern "C" void right_throws(const void *p, size_t n) {
	if (n == SIZE_MAX) throw Error{1};
	try { right_persist(p, n); } catch (Error &) { }
}
