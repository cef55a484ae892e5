/* The tables beside the NFIT: the RHCT, and CXL's. */
#include "check.h"
#include "files.h"

const void *file_of(const char *name, size_t *len)
{
	char path[1000];
	void *bytes = malloc(1 << 20);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", tables, name);
	file = fopen(path, "rb");
	if (!file || !bytes) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	*len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return bytes;
}

static void cxl(void)
{
	struct kpmem_platform platform;
	struct kpmem_range range;
	struct kpmem_region region;
	size_t cedt_len, srat_len;
	const void *cedt = file_of("q35-cxl.cedt.bin", &cedt_len);
	const void *srat = file_of("q35-cxl.srat.bin", &srat_len);

	RETURNS(0, kpmem_platform_init(&platform));
	RETURNS(0, kpmem_platform_add_cedt(&platform, cedt, cedt_len));
	RETURNS(0, kpmem_platform_add_srat(&platform, srat, srat_len));
	/* The first window is the 64-bit number at offset 8 of the first structure of type 1. */
	memcpy(&region.base, (const char *)cedt + 36 + 32 + 32 + 8, 8);
	region.len = 4096;
	RETURNS(0, kpmem_platform_range_of(&platform, &region, &range));
	CHECK("a window is told to be one", range.source == KPMEM_SOURCE_CXL_WINDOW);
	RETURNS(0, kpmem_platform_fini(&platform));
}

void test_others(void)
{
	size_t len;
	struct kpmem_cache_blocks blocks = { 0, 0 };
	const void *rhct = file_of("virt-riscv64-128.rhct.bin", &len);

	RETURNS(0, kpmem_rhct_cache_blocks(rhct, len, &blocks));
	CHECK("the RHCT says how long blocks are", blocks.clean == 128 && blocks.zero == 32);
	RETURNS(KPMEM_E_TRUNCATED, kpmem_rhct_cache_blocks(rhct, len - 1, &blocks));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_rhct_cache_blocks(NULL, len, &blocks));
	cxl();
}
