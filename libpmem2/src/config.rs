//! Configs: how a source is to be mapped.

use std::{
    ffi::{c_int, c_uint},
    ptr::null_mut,
};

use kpmem::Granularity;
use rustix::mm::ProtFlags;

use crate::{codes, failure::answer, granularity, reserved::Reservation};

/// `struct pmem2_config`.
#[derive(Debug)]
pub struct Config {
    pub(crate) required: Option<Granularity>,
    pub(crate) offset: usize,
    /// 0: to the end of the source.
    pub(crate) length: usize,
    pub(crate) private: bool,
    pub(crate) protection: ProtFlags,
    pub(crate) reservation: *mut Reservation,
    pub(crate) offset_in_reservation: usize,
}

const EXECUTE: c_uint = 1 << 29;
const READ: c_uint = 1 << 30;
const WRITE: c_uint = 1 << 31;

/// A config with its defaults: shared, to read and write, from the first byte to the last. The
/// required granularity has none.
///
/// # Safety
/// `config` must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_config_new(config: *mut *mut Config) -> c_int {
    let made = Config {
        required: None,
        offset: 0,
        length: 0,
        private: false,
        protection: ProtFlags::READ | ProtFlags::WRITE,
        reservation: null_mut(),
        offset_in_reservation: 0,
    };
    // SAFETY: the caller's.
    unsafe { *config = Box::into_raw(Box::new(made)) };
    0
}

/// Deletes a config and sets the pointer to null. Always 0; of null nothing is done.
///
/// # Safety
/// `config` must be valid, and hold null or a config that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_config_delete(config: *mut *mut Config) -> c_int {
    // SAFETY: the caller's: it was made by `pmem2_config_new`.
    unsafe {
        if !(*config).is_null() {
            drop(Box::from_raw(*config));
            *config = null_mut();
        }
    }
    0
}

/// The coarsest granularity that will do.
///
/// # Safety
/// `config` must be a config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_config_set_required_store_granularity(
    config: *mut Config,
    granularity: c_uint,
) -> c_int {
    answer(granularity::from_c(granularity).map(|granularity| {
        // SAFETY: the caller's.
        unsafe { (*config).required = Some(granularity) };
    }))
}

/// Where in the source the map begins.
///
/// # Safety
/// `config` must be a config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_config_set_offset(config: *mut Config, offset: usize) -> c_int {
    if i64::try_from(offset).is_err() {
        return answer(Err(codes::OFFSET_OUT_OF_RANGE.into()));
    }
    // SAFETY: the caller's.
    unsafe { (*config).offset = offset };
    0
}

/// How many bytes are mapped; 0: to the end of the source.
///
/// # Safety
/// `config` must be a config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_config_set_length(config: *mut Config, length: usize) -> c_int {
    // SAFETY: the caller's.
    unsafe { (*config).length = length };
    0
}

/// Shared (0), or private (1): stores stay in the map.
///
/// # Safety
/// `config` must be a config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_config_set_sharing(config: *mut Config, sharing: c_uint) -> c_int {
    if sharing > 1 {
        return answer(Err(codes::INVALID_SHARING_VALUE.into()));
    }
    // SAFETY: the caller's.
    unsafe { (*config).private = sharing == 1 };
    0
}

/// What the map allows: `PMEM2_PROT_*`.
///
/// # Safety
/// `config` must be a config.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_config_set_protection(
    config: *mut Config,
    protection: c_uint,
) -> c_int {
    if protection & !(EXECUTE | READ | WRITE) != 0 {
        return answer(Err(codes::INVALID_PROT_FLAG.into()));
    }
    let mut flags = ProtFlags::empty();
    flags.set(ProtFlags::EXEC, protection & EXECUTE != 0);
    flags.set(ProtFlags::READ, protection & READ != 0);
    flags.set(ProtFlags::WRITE, protection & WRITE != 0);
    // SAFETY: the caller's.
    unsafe { (*config).protection = flags };
    0
}

/// The reserved address space that the map goes to; null: anywhere.
///
/// # Safety
/// `config` must be a config; the reservation must live until the config is used no more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_config_set_vm_reservation(
    config: *mut Config,
    reservation: *mut Reservation,
    offset: usize,
) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        (*config).reservation = reservation;
        (*config).offset_in_reservation = offset;
    }
    0
}
