/* What the firmware says: tables of QEMU's machines, and what is made of them. */
#include "check.h"
#include "files.h"

/* A machine's memory, by offset: the RSDP at 64, the XSDT at 128, the NFIT at 1024. */
static unsigned char physical_memory[8192];

static const void *physical(void *context, uint64_t address, size_t len)
{
	(void)context;
	if (address > sizeof(physical_memory) || len > sizeof(physical_memory) - address)
		return NULL;
	return physical_memory + address;
}

static void put(unsigned char *at, uint64_t value, int bytes)
{
	while (bytes--) {
		*at++ = (unsigned char)value;
		value >>= 8;
	}
}

static void fix_sum(unsigned char *table, size_t len, size_t at)
{
	size_t i;
	unsigned char sum = 0;

	table[at] = 0;
	for (i = 0; i < len; i++)
		sum = (unsigned char)(sum + table[i]);
	table[at] = (unsigned char)(0x100 - sum);
}

/* The NFIT of a machine that does not say what it flushes, with a flush hint more. */
static size_t nfit_with_hint(unsigned char *table, size_t len, uint32_t device)
{
	unsigned char *hints = table + len;

	memset(hints, 0, 24);
	put(hints, 6, 2);
	put(hints + 2, 24, 2);
	put(hints + 4, device, 4);
	put(hints + 8, 1, 2);
	put(hints + 16, 0xfed00000, 8);
	put(table + 4, len + 24, 4);
	fix_sum(table, len + 24, 9);
	return len + 24;
}

static void finding(size_t nfit_len)
{
	const void *table = NULL;
	size_t len = 0;
	unsigned char *rsdp = physical_memory + 64, *xsdt = physical_memory + 128;

	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = 2;
	put(rsdp + 20, 36, 4);
	put(rsdp + 24, 128, 8);
	fix_sum(rsdp, 20, 8);
	fix_sum(rsdp, 36, 32);
	memcpy(xsdt, "XSDT", 4);
	put(xsdt + 4, 44, 4);
	put(xsdt + 36, 1024, 8);
	fix_sum(xsdt, 44, 9);

	RETURNS(0, kpmem_find_table(physical, NULL, 64, "NFIT", &table, &len));
	CHECK("the table is found", table == physical_memory + 1024 && len == nfit_len);
	RETURNS(KPMEM_E_MISSING, kpmem_find_table(physical, NULL, 64, "SRAT", &table, &len));
	RETURNS(KPMEM_E_SIGNATURE, kpmem_find_table(physical, NULL, 65, "NFIT", &table, &len));
	RETURNS(KPMEM_E_UNREADABLE, kpmem_find_table(physical, NULL, 9000, "NFIT", &table, &len));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_find_table(NULL, NULL, 64, "NFIT", &table, &len));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_find_table(physical, NULL, 64, NULL, &table, &len));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_find_table(physical, NULL, 64, "NFIT", NULL, &len));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_find_table(physical, NULL, 64, "NFIT", &table, NULL));
	xsdt[40]++;
	RETURNS(KPMEM_E_CHECKSUM, kpmem_find_table(physical, NULL, 64, "NFIT", &table, &len));
}

static void mapping(const struct kpmem_platform *platform, const struct kpmem_range *range)
{
	struct kpmem_map map;
	struct kpmem_range part;
	struct kpmem_region region = range->region;

	region.len = MEMORY_SIZE;
	RETURNS(0, kpmem_platform_range_of(platform, &region, &part));
	CHECK("a part of a range is known", part.region.len == MEMORY_SIZE && part.devices == 1);
	RETURNS(0, kpmem_platform_map(platform, &region, KPMEM_GRANULARITY_CACHE_LINE, memory,
				      &map));
	CHECK("its map has its length", kpmem_map_size(&map) == MEMORY_SIZE);
	RETURNS(0, kpmem_map_fini(&map));
	RETURNS(KPMEM_E_TOO_COARSE, kpmem_platform_map(platform, &region, KPMEM_GRANULARITY_BYTE,
						       memory, &map));
	RETURNS(KPMEM_E_NOT_MAPPED,
		kpmem_platform_map(platform, &region, KPMEM_GRANULARITY_PAGE, NULL, &map));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_platform_map(platform, &region, 7, memory, &map));
	region.base = 0x1000;
	RETURNS(KPMEM_E_MISSING, kpmem_platform_range_of(platform, &region, &part));
	RETURNS(KPMEM_E_MISSING,
		kpmem_platform_map(platform, &region, KPMEM_GRANULARITY_PAGE, memory, &map));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_platform_range_of(platform, NULL, &part));
}

static void not_armed(void)
{
	struct kpmem_platform platform;
	struct kpmem_range range;
	struct kpmem_map map;
	size_t len;
	const void *nfit = file_of("q35-two.nfit.bin", &len);

	RETURNS(0, kpmem_platform_init(&platform));
	RETURNS(0, kpmem_platform_add_nfit(&platform, nfit, len));
	RETURNS(0, kpmem_platform_range(&platform, 1, &range));
	CHECK("a device that is not armed is told", (range.state & 1 << 3) != 0);
	CHECK("and its domain", range.has_domain && range.domain == 1);
	RETURNS(KPMEM_E_NOT_ARMED, kpmem_platform_map(&platform, &range.region,
						      KPMEM_GRANULARITY_PAGE, memory, &map));
	RETURNS(0, kpmem_platform_fini(&platform));
}

void test_platform(void)
{
	struct kpmem_platform platform;
	struct kpmem_range range;
	struct kpmem_device device;
	uint64_t hint = 0;
	size_t len;
	const void *file = file_of("q35-none.nfit.bin", &len);
	unsigned char *nfit = physical_memory + 1024;

	memcpy(nfit, file, len);
	RETURNS(0, kpmem_platform_init(&platform));
	RETURNS(KPMEM_E_NO_MORE, kpmem_platform_range(&platform, 0, &range));
	RETURNS(0, kpmem_platform_add_nfit(&platform, nfit, len));
	RETURNS(0, kpmem_platform_range(&platform, 0, &range));
	CHECK("the NVDIMM is found",
	      range.region.base == 0x100000000 && range.region.len == 64 << 20);
	CHECK("at cache-line granularity", range.granularity == KPMEM_GRANULARITY_CACHE_LINE);
	CHECK("by the NFIT", range.source == KPMEM_SOURCE_NFIT && range.devices == 1);
	RETURNS(KPMEM_E_NO_MORE, kpmem_platform_range(&platform, 1, &range));
	RETURNS(0, kpmem_platform_device(&platform, &range.region, 0, &device));
	CHECK("its device is known", device.has_identity && device.size == 64 << 20);
	RETURNS(KPMEM_E_NO_MORE, kpmem_platform_device(&platform, &range.region, 1, &device));
	RETURNS(KPMEM_E_NO_DEEP_DOMAIN,
		kpmem_platform_flush_hint(&platform, &range.region, 0, &hint));
	mapping(&platform, &range);
	RETURNS(0, kpmem_platform_fini(&platform));
	RETURNS(KPMEM_E_HANDLE, kpmem_platform_range(&platform, 0, &range));
	RETURNS(KPMEM_E_HANDLE, kpmem_platform_add_nfit(&platform, nfit, len));

	len = nfit_with_hint(nfit, len, device.handle);
	RETURNS(0, kpmem_platform_init(&platform));
	RETURNS(0, kpmem_platform_add_nfit(&platform, nfit, len));
	RETURNS(0, kpmem_platform_flush_hint(&platform, &range.region, 0, &hint));
	CHECK("the flush hint is found", hint == 0xfed00000);
	RETURNS(KPMEM_E_NO_MORE, kpmem_platform_flush_hint(&platform, &range.region, 1, &hint));
	RETURNS(KPMEM_E_TRUNCATED, kpmem_platform_add_nfit(&platform, nfit, len - 1));
	RETURNS(KPMEM_E_SIGNATURE, kpmem_platform_add_srat(&platform, nfit, len));
	RETURNS(KPMEM_E_SIGNATURE, kpmem_platform_add_cedt(&platform, nfit, len));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_platform_add_nfit(&platform, NULL, len));
	RETURNS(0, kpmem_platform_range(&platform, 0, &range));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_platform_range(&platform, 0, NULL));
	finding(len);
	RETURNS(0, kpmem_platform_fini(&platform));
	not_armed();
}
