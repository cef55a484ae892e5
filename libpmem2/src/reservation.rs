//! The calls of reservations.

use std::{
    ffi::{c_int, c_void},
    ptr::null_mut,
};

use crate::{codes, failure::answer, map::Map, reserved::Reservation};

/// Reserves `size` bytes of address space, at an address or (null) anywhere.
///
/// # Safety
/// `reservation` must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_new(
    reservation: *mut *mut Reservation,
    address: *mut c_void,
    size: usize,
) -> c_int {
    let made = Reservation::new(address.cast(), size);
    let made = made.map(|made| Box::into_raw(Box::new(made)));
    // SAFETY: the caller's.
    unsafe { *reservation = *made.as_ref().unwrap_or(&null_mut()) };
    answer(made.map(|_| ()))
}

/// Gives a reservation up that has no maps, and sets the pointer to null.
///
/// # Safety
/// `reservation` must be valid, and hold a reservation that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_delete(reservation: *mut *mut Reservation) -> c_int {
    // SAFETY: the caller's: `pmem2_vm_reservation_new` made it of a box.
    unsafe {
        let left = (**reservation).leave();
        if left.is_ok() {
            drop(Box::from_raw(*reservation));
            *reservation = null_mut();
        }
        answer(left)
    }
}

/// The address of its first byte.
///
/// # Safety
/// It must be a reservation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_get_address(
    reservation: *const Reservation,
) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { (*reservation).base().cast() }
}

/// Its size in bytes.
///
/// # Safety
/// It must be a reservation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_get_size(reservation: *const Reservation) -> usize {
    // SAFETY: the caller's.
    unsafe { (*reservation).size() }
}

/// Takes `size` more bytes, behind it.
///
/// # Safety
/// It must be a reservation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_extend(
    reservation: *const Reservation,
    size: usize,
) -> c_int {
    // SAFETY: the caller's.
    answer(unsafe { (*reservation).extend(size) })
}

/// Gives up its first or last `size` bytes.
///
/// # Safety
/// It must be a reservation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_shrink(
    reservation: *const Reservation,
    offset: usize,
    size: usize,
) -> c_int {
    // SAFETY: the caller's.
    answer(unsafe { (*reservation).shrink(offset, size) })
}

/// # Safety
/// `map` must be valid for a write.
unsafe fn found(map: *mut *mut Map, found: Option<*mut Map>) -> c_int {
    // SAFETY: the caller's.
    unsafe { *map = found.unwrap_or(null_mut()) };
    answer(match found {
        Some(_) => Ok(()),
        None => Err(codes::MAPPING_NOT_FOUND.into()),
    })
}

/// The first map that has a byte of the range.
///
/// # Safety
/// It must be a reservation, and `map` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_map_find(
    reservation: *const Reservation,
    offset: usize,
    len: usize,
    map: *mut *mut Map,
) -> c_int {
    // SAFETY: the caller's.
    unsafe { found(map, (*reservation).find(offset, len)) }
}

/// The map before one.
///
/// # Safety
/// It must be a reservation, and `previous` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_map_find_prev(
    reservation: *const Reservation,
    map: *mut Map,
    previous: *mut *mut Map,
) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        let all = (*reservation).all();
        let before = all.windows(2).find(|pair| pair[1] == map);
        found(previous, before.map(|pair| pair[0]))
    }
}

/// The map after one.
///
/// # Safety
/// It must be a reservation, and `next` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_map_find_next(
    reservation: *const Reservation,
    map: *mut Map,
    next: *mut *mut Map,
) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        let all = (*reservation).all();
        let after = all.windows(2).find(|pair| pair[0] == map);
        found(next, after.map(|pair| pair[1]))
    }
}

/// The first map.
///
/// # Safety
/// It must be a reservation, and `map` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_map_find_first(
    reservation: *const Reservation,
    map: *mut *mut Map,
) -> c_int {
    // SAFETY: the caller's.
    unsafe { found(map, (*reservation).all().first().copied()) }
}

/// The last map.
///
/// # Safety
/// It must be a reservation, and `map` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_vm_reservation_map_find_last(
    reservation: *const Reservation,
    map: *mut *mut Map,
) -> c_int {
    // SAFETY: the caller's.
    unsafe { found(map, (*reservation).all().last().copied()) }
}
