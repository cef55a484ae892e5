//! What the firmware says of persistent memory.

use core::ffi::{c_int, c_void};

use kpmem::{
    Device, PersistentRange, Platform, Source,
    firmware::{cedt::Cedt, nfit::Nfit, srat::Srat},
};

use crate::{
    error::{KPMEM_E_MISSING, KPMEM_E_NO_MORE, code, of_firmware, status},
    handle::{Held, answer, get, get_mut, put, read, take},
    map::{kpmem_map, put_cpu},
    physical::{bytes, kpmem_region},
    table::{granularity_of, granularity_to_c},
};

/// Bytes of a [`kpmem_platform`].
pub const KPMEM_PLATFORM_SIZE: usize = 384;

/// [`Source::Nfit`]
pub const KPMEM_SOURCE_NFIT: u32 = 1;
/// [`Source::CxlWindow`]
pub const KPMEM_SOURCE_CXL_WINDOW: u32 = 2;
/// [`Source::DeviceTree`]
pub const KPMEM_SOURCE_DEVICE_TREE: u32 = 3;

/// What the firmware's tables say.
#[repr(C)]
#[derive(Debug)]
pub struct kpmem_platform {
    opaque: [u64; 48],
}

/// A range of persistent memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct kpmem_range {
    /// Its addresses.
    pub region: kpmem_region,
    /// `KPMEM_GRANULARITY_...`
    pub granularity: c_int,
    /// `KPMEM_SOURCE_...`
    pub source: u32,
    /// Whether its proximity domain is known.
    pub has_domain: u32,
    /// Its proximity domain.
    pub domain: u32,
    /// What the firmware found of its devices: the NFIT's state flags, all taken together.
    pub state: u32,
    /// How many devices it has, if a table says.
    pub devices: u32,
}

/// A device that is a part of a range.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct kpmem_device {
    /// Its handle.
    pub handle: u32,
    /// The NFIT's state flags.
    pub state: u32,
    /// Whether the three below are known.
    pub has_identity: u32,
    /// The vendor, as JEDEC numbers them.
    pub vendor: u32,
    /// The vendor's number of the device.
    pub device: u32,
    /// Its serial number.
    pub serial: u32,
    /// Where its part begins in the device.
    pub address: u64,
    /// Length of its part in bytes.
    pub size: u64,
}

impl Held for Platform<'static> {
    type Handle = kpmem_platform;
    const KIND: usize = 5;
    const SIZE: usize = KPMEM_PLATFORM_SIZE;
}

impl From<&PersistentRange<'_>> for kpmem_range {
    fn from(range: &PersistentRange<'_>) -> Self {
        Self {
            region: range.region().into(),
            granularity: granularity_to_c(range.granularity()),
            source: match range.source() {
                Source::CxlWindow => KPMEM_SOURCE_CXL_WINDOW,
                Source::Nfit { .. } => KPMEM_SOURCE_NFIT,
                _ => KPMEM_SOURCE_DEVICE_TREE,
            },
            has_domain: range.domain().is_some().into(),
            domain: range.domain().unwrap_or_default(),
            state: range.state().bits().into(),
            devices: range.devices().count() as u32,
        }
    }
}

impl From<Device<'_>> for kpmem_device {
    fn from(device: Device<'_>) -> Self {
        let Device {
            mapping, control, ..
        } = device;
        Self {
            handle: mapping.device,
            state: mapping.state.bits().into(),
            has_identity: control.is_some().into(),
            vendor: control.map_or(0, |control| control.vendor.into()),
            device: control.map_or(0, |control| control.device.into()),
            serial: control.map_or(0, |control| control.serial),
            address: mapping.address,
            size: mapping.size,
        }
    }
}

/// [`Platform::new`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_init(platform: *mut kpmem_platform) -> c_int {
    // SAFETY: the caller vouches for the handle.
    status(unsafe { put(platform, Platform::new()) })
}

/// Drops the platform.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_fini(platform: *mut kpmem_platform) -> c_int {
    // SAFETY: the caller vouches for the handle.
    status(unsafe { take::<Platform<'static>>(platform) }.map(drop))
}

/// [`Platform::with_nfit`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_add_nfit(
    platform: *mut kpmem_platform,
    table: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for handle and table.
    unsafe { add(platform, table, len, Nfit::parse, Platform::with_nfit) }
}

/// [`Platform::with_cedt`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_add_cedt(
    platform: *mut kpmem_platform,
    table: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for handle and table.
    unsafe { add(platform, table, len, Cedt::parse, Platform::with_cedt) }
}

/// [`Platform::with_srat`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_add_srat(
    platform: *mut kpmem_platform,
    table: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for handle and table.
    unsafe { add(platform, table, len, Srat::parse, Platform::with_srat) }
}

/// # Safety
/// As for [`get_mut`] and [`bytes`].
pub(crate) unsafe fn add<T>(
    platform: *mut kpmem_platform,
    table: *const c_void,
    len: usize,
    parse: impl FnOnce(&'static [u8]) -> Result<T, kpmem::firmware::Error>,
    with: impl FnOnce(Platform<'static>, T) -> Platform<'static>,
) -> c_int {
    // SAFETY: the caller's.
    let both = unsafe {
        get_mut::<Platform<'static>>(platform)
            .and_then(|platform| Ok((platform, bytes(table, len)?)))
    };
    status(both.and_then(|(platform, table)| {
        let table = parse(table).map_err(of_firmware)?;
        *platform = with(core::mem::take(platform), table);
        Ok(())
    }))
}

/// One of [`Platform::ranges`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_range(
    platform: *const kpmem_platform,
    index: usize,
    range: *mut kpmem_range,
) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe {
        get::<Platform<'static>>(platform).and_then(|platform| {
            let found = platform.ranges().nth(index).ok_or(KPMEM_E_NO_MORE)?;
            answer(range, (&found).into())
        })
    })
}

/// [`Platform::range`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_range_of(
    platform: *const kpmem_platform,
    region: *const kpmem_region,
    range: *mut kpmem_range,
) -> c_int {
    // SAFETY: the caller vouches for all of them.
    status(unsafe { range_of(platform, region).and_then(|found| answer(range, (&found).into())) })
}

/// One of [`PersistentRange::devices`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_device(
    platform: *const kpmem_platform,
    region: *const kpmem_region,
    index: usize,
    device: *mut kpmem_device,
) -> c_int {
    // SAFETY: the caller vouches for all of them.
    status(unsafe {
        range_of(platform, region).and_then(|range| {
            let found = range.devices().nth(index).ok_or(KPMEM_E_NO_MORE)?;
            answer(device, found.into())
        })
    })
}

/// One of [`PersistentRange::flush_hints`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_flush_hint(
    platform: *const kpmem_platform,
    region: *const kpmem_region,
    index: usize,
    address: *mut u64,
) -> c_int {
    // SAFETY: the caller vouches for all of them.
    status(unsafe {
        range_of(platform, region).and_then(|range| {
            let mut hints = range.flush_hints().map_err(code)?;
            answer(address, hints.nth(index).ok_or(KPMEM_E_NO_MORE)?)
        })
    })
}

/// [`PersistentRange::map`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_map(
    platform: *const kpmem_platform,
    region: *const kpmem_region,
    coarsest: c_int,
    address: *mut c_void,
    map: *mut kpmem_map,
) -> c_int {
    // SAFETY: the caller vouches for the handles, and that the memory is mapped there.
    status(unsafe {
        range_of(platform, region).and_then(|range| {
            let to_virtual = |_| (!address.is_null()).then_some(address.cast());
            let made = range.map(granularity_of(coarsest)?, to_virtual);
            put_cpu(map, made.map_err(code)?)
        })
    })
}

/// # Safety
/// As for [`get`] and [`read`].
unsafe fn range_of(
    platform: *const kpmem_platform,
    region: *const kpmem_region,
) -> Result<PersistentRange<'static>, c_int> {
    // SAFETY: the caller's.
    let (platform, region) = unsafe { (get::<Platform<'static>>(platform)?, read(region)?) };
    platform.range((*region).into()).ok_or(KPMEM_E_MISSING)
}
