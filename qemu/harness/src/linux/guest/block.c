/* Blocks that Linux writes to /dev/pmem0, and what a power cut leaves of them.
 *
 *	block DEVICE direct|buffered BLOCKS [careless]
 *
 * Each block is written by one pwrite, past the page cache (O_DIRECT) or through it, and then
 * fsync says that it is durable: after each, all blocks so far are claimed. `careless` writes
 * through the page cache and never says fsync: a control that must be found out. Recovery reads the
 * blocks past the page cache, in the same process. A block that was not claimed may be there in
 * part: without a BTT a block of an NVDIMM is not written as one.
 */
#define _GNU_SOURCE
#include <stdint.h>

#include "kpmem_linux.h"

#define BLOCK 4096
#define WORDS (BLOCK / sizeof(uint64_t))

enum { LOST = 1 };

static uint64_t *buffer;
static int raw;

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 2;
}

/* No two words of the device are alike, and none is 0. */
static uint64_t content(uint64_t block, uint64_t word)
{
	return (block + 1) << 32 | (word + 1);
}

static int append(int file, uint64_t block)
{
	uint64_t word;

	for (word = 0; word < WORDS; word++)
		buffer[word] = content(block, word);
	return pwrite(file, buffer, BLOCK, (off_t)(block * BLOCK)) == BLOCK ? 0 : -1;
}

/* Recovery: what was claimed is there. Counts what is there in part. */
static uint64_t recover(uint64_t claims, uint64_t blocks, uint64_t *torn)
{
	uint64_t block, word, right;

	for (block = 0; block < blocks; block++) {
		if (pread(raw, buffer, BLOCK, (off_t)(block * BLOCK)) != BLOCK)
			return LOST;
		for (word = 0, right = 0; word < WORDS; word++)
			right += buffer[word] == content(block, word);
		if (block < claims && right != WORDS)
			return LOST;
		*torn += right && right != WORDS;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t blocks, block, images = 0, lost = 0, torn = 0, code, number;
	int careless = argc > 4 && !strcmp(argv[4], "careless"), file, error;
	struct kpmem_simulator sim;
	struct kpmem_crash crash;

	if (argc < 4 || (strcmp(argv[2], "direct") && strcmp(argv[2], "buffered"))) {
		fprintf(stderr, "%s DEVICE direct|buffered BLOCKS [careless]\n", argv[0]);
		return 2;
	}
	blocks = strtoull(argv[3], NULL, 0);
	number = getenv("WORKLOAD") ? strtoull(getenv("WORKLOAD"), NULL, 0) : 1;
	buffer = aligned_alloc(BLOCK, BLOCK);
	raw = open(argv[1], O_RDWR | O_DIRECT);
	file = !strcmp(argv[2], "direct") && !careless ? raw : open(argv[1], O_RDWR);
	if (!buffer || raw < 0 || file < 0)
		return fail(argv[1]);
	error = kpmem_attach(&sim);
	if (error) {
		errno = error;
		return fail("the simulator");
	}
	if (kpmem_rebooted(&sim, &crash)) {
		if (crash.begin == number)
			printf("verdict %llu\n",
			       (unsigned long long)recover(crash.claims, blocks, &torn));
		return 0;
	}
	memset(buffer, 0, BLOCK);
	for (block = 0; block < blocks; block++)
		if (pwrite(raw, buffer, BLOCK, (off_t)(block * BLOCK)) != BLOCK)
			return fail(argv[1]);
	if (fsync(raw))
		return fail(argv[1]);

	kpmem_begin(number);
	for (block = 0; block < blocks; block++) {
		if (append(file, block) || (!careless && fsync(file)))
			return fail(argv[1]);
		kpmem_claim(NULL, 0, block);
	}
	kpmem_end();
	/* What is in the page cache must not be written in the middle of recovery. */
	if (fsync(file) || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED))
		return fail(argv[1]);

	while (kpmem_cut(&sim, &crash)) {
		code = recover(crash.claims, blocks, &torn);
		images++;
		lost += code == LOST;
		kpmem_verdict(code);
	}
	printf("%s%s: %llu images, %llu lost a block that was claimed; in all of them %llu blocks "
	       "that were not are there in part\n", argv[2], careless ? " careless" : "",
	       (unsigned long long)images, (unsigned long long)lost, (unsigned long long)torn);
	return 0;
}
