/* Files that ext4 with DAX makes durable, and what a power cut leaves of them.
 *
 *	ext4 FOLDER files|append|mapped RECORDS [careless|check]
 *
 * `files` makes a file for each record, and fsync says that it is durable, name and all. `append`
 * writes each record behind the others, and fdatasync. `mapped` stores each into a page of its own
 * of a file that is empty at first, mapped with MAP_SYNC: the kernel makes a page's place in the
 * file durable before the program may write there, so that a write-back and a fence are all that
 * is left to do. After each record it is claimed. `check` is the recovery, which finds in
 * KPMEM_CLAIMS how many were.
 *
 * `careless` says no fsync, and maps without MAP_SYNC: a control that must be found out.
 */
#define _GNU_SOURCE
#include <stdint.h>

#include "kpmem_linux.h"

#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif

#define PAGE 4096
/* Bytes of a record that is written: it ends in the middle of a line. */
#define LENGTH 1000
/* Bytes of one that is mapped: a few lines. */
#define MAPPED 200

static char path[256], record[LENGTH], found[LENGTH];

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 2;
}

/* Each byte of a record tells which it is, and none is 0. */
static void fill(uint64_t number)
{
	size_t at;

	for (at = 0; at < LENGTH; at++)
		record[at] = (char)(1 + (number * 31 + at) % 250);
}

static const char *named(const char *folder, uint64_t number)
{
	snprintf(path, sizeof(path), "%s/record-%llu", folder, (unsigned long long)number);
	return path;
}

static void persist(const char *ptr, size_t len)
{
	uintptr_t line = (uintptr_t)ptr & ~(uintptr_t)63;

	for (; line < (uintptr_t)ptr + len; line += 64)
#if defined(__x86_64__)
		__asm__ volatile("clwb (%0)" : : "r"(line) : "memory");
	__asm__ volatile("sfence" : : : "memory");
#elif defined(__aarch64__)
		__asm__ volatile("sys #3, c7, c12, #1, %0" : : "r"(line) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
#else
		(void)line;
#endif
}

/* One record in a file of its own, or behind the others. */
static int write_record(const char *folder, uint64_t number, int own, int careless)
{
	const char *name = named(folder, own ? number : 0);
	int file = open(name, O_WRONLY | O_CREAT | (own ? O_EXCL : O_APPEND), 0600), error;

	if (file < 0)
		return -1;
	error = write(file, record, LENGTH) != LENGTH;
	if (!careless && !error)
		error = own ? fsync(file) : fdatasync(file);
	return close(file) || error ? -1 : 0;
}

static int check(const char *folder, const char *mode, uint64_t records)
{
	const char *said = getenv("KPMEM_CLAIMS");
	uint64_t claims = said ? strtoull(said, NULL, 0) : records, number;

	for (number = 0; number < claims; number++) {
		int own = !strcmp(mode, "files"), mapped = !strcmp(mode, "mapped");
		int file = open(named(folder, own ? number : 0), O_RDONLY);
		off_t at = own ? 0 : (off_t)number * (mapped ? PAGE : LENGTH);
		ssize_t length = mapped ? MAPPED : LENGTH;

		fill(number);
		if (file < 0 || pread(file, found, (size_t)length, at) != length ||
		    memcmp(found, record, (size_t)length))
			return 1;
		close(file);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *folder, *mode;
	uint64_t records, number;
	char *memory = NULL;
	int careless, file;

	if (argc < 4) {
		fprintf(stderr, "%s FOLDER files|append|mapped RECORDS [careless|check]\n",
			argv[0]);
		return 2;
	}
	folder = argv[1];
	mode = argv[2];
	records = strtoull(argv[3], NULL, 0);
	if (argc > 4 && !strcmp(argv[4], "check"))
		return check(folder, mode, records);
	careless = argc > 4 && !strcmp(argv[4], "careless");
	if (!strcmp(mode, "mapped")) {
		/* MAP_SHARED_VALIDATE refuses flags that the file system does not know. */
		int flags = careless ? MAP_SHARED : MAP_SHARED_VALIDATE | MAP_SYNC;

		file = open(named(folder, 0), O_RDWR | O_CREAT, 0600);
		if (file < 0 || ftruncate(file, (off_t)(records * PAGE)))
			return fail(path);
		memory = mmap(NULL, records * PAGE, PROT_READ | PROT_WRITE, flags, file, 0);
		if (memory == MAP_FAILED)
			return fail("MAP_SYNC");
	} else if (strcmp(mode, "files") && strcmp(mode, "append"))
		return fail(mode);
	sync();

	kpmem_begin(1);
	for (number = 0; number < records; number++) {
		fill(number);
		if (memory) {
			memcpy(memory + number * PAGE, record, MAPPED);
			persist(memory + number * PAGE, MAPPED);
			kpmem_acknowledge(memory + number * PAGE, MAPPED, number);
		} else {
			if (write_record(folder, number, !strcmp(mode, "files"), careless))
				return fail(path);
			kpmem_claim(NULL, 0, number);
		}
	}
	kpmem_end();
	return 0;
}
