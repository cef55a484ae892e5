//! `pmem2_map_new`: maps a source as a config says.

use std::{ffi::c_int, ptr::null_mut};

use rustix::{mm::ProtFlags, param::page_size};

use crate::{
    codes,
    config::Config,
    failure::{Failure, Result, answer},
    granularity::{self, Manner},
    map::{Map, What},
    mapped::{Content, Place, alignment_for},
    maps,
    source::{Backing, Source},
};

/// The part of the source that is mapped.
#[derive(Debug)]
struct Part {
    offset: usize,
    len: usize,
    alignment: usize,
}

impl Part {
    fn of(config: &Config, source: &Source) -> Result<Self> {
        let (alignment, size) = (source.alignment()?, source.size()?);
        let offset = config.offset;
        if !offset.is_multiple_of(alignment) {
            let text = format!("the offset {offset:#x} is not a multiple of {alignment:#x}");
            return Err(Failure::new(codes::OFFSET_UNALIGNED, text));
        }
        if size == 0 {
            return Err(codes::SOURCE_EMPTY.into());
        }
        if !config.length.is_multiple_of(alignment) {
            let text = format!(
                "the length {:#x} is not a multiple of {alignment:#x}",
                config.length
            );
            return Err(Failure::new(codes::LENGTH_UNALIGNED, text));
        }
        let outside = || {
            let text = format!(
                "{:#x} bytes at {offset:#x} are not inside the source of {size:#x} bytes",
                config.length
            );
            Failure::new(codes::MAP_RANGE, text)
        };
        let end = offset.checked_add(config.length).ok_or_else(outside)?;
        let rest = size.checked_sub(offset).ok_or_else(outside)?;
        if end > size || rest == 0 {
            return Err(outside());
        }
        // Of memory, an offset is checked and then ignored.
        let (offset, rest) = match source.backing {
            Backing::Anonymous => (0, size),
            _ => (offset, rest),
        };
        let len = match config.length {
            0 => rest,
            length => length,
        };
        Ok(Self {
            offset,
            len,
            alignment,
        })
    }

    /// Address space for it: in the config's reservation, or anywhere.
    ///
    /// # Safety
    /// The config's reservation must live.
    unsafe fn place(&self, config: &Config, source: &Source) -> Result<Place> {
        let pages = self.len.checked_next_multiple_of(self.alignment);
        let pages = pages.ok_or_else(Failure::no_memory)?;
        // SAFETY: the caller's.
        let Some(reservation) = (unsafe { config.reservation.as_ref() }) else {
            return Place::anywhere(pages, alignment_for(pages).max(self.alignment));
        };
        let offset = config.offset_in_reservation;
        if !offset.is_multiple_of(page_size()) {
            return Err(codes::OFFSET_UNALIGNED.into());
        }
        let device = matches!(source.backing, Backing::Device(_));
        let base = reservation.base().wrapping_add(offset).addr();
        if device && !base.is_multiple_of(self.alignment) {
            return Err(codes::ADDRESS_UNALIGNED.into());
        }
        reservation.place(offset, pages)
    }
}

/// # Safety
/// As for [`pmem2_map_new`].
unsafe fn create(config: &Config, source: &Source) -> Result<*mut Map> {
    let required = config.required.ok_or(codes::GRANULARITY_NOT_SET)?;
    let part = Part::of(config, source)?;
    let device = matches!(source.backing, Backing::Device(_));
    if config.private && device {
        return Err(codes::SRC_DEVDAX_PRIVATE.into());
    }
    let writes = config.protection.contains(ProtFlags::WRITE) && !config.private;
    if writes && !source.is_writable() {
        return Err(codes::NO_ACCESS.into());
    }
    // SAFETY: the caller's.
    let place = unsafe { part.place(config, source)? };
    let content = Content {
        file: source.file(),
        offset: part.offset,
        private: config.private,
        protection: config.protection,
    };
    let (place, synchronous) = place.fill(&content)?;
    let manner = Manner {
        private: config.private,
        direct: synchronous || device,
    };
    let granularity = granularity::of(source.backing, manner);
    if granularity > required {
        let text = format!("the map has {granularity} granularity, and {required} is required");
        return Err(Failure::new(codes::GRANULARITY_NOT_SUPPORTED, text));
    }
    let what = What {
        base: place.base,
        len: part.len,
        granularity,
        backing: source.backing,
        private: config.private,
    };
    // SAFETY: it was just mapped, write-back as all memory of programs is; the kernel vouches for
    // the granularity. The caller vouches for the reservation.
    unsafe {
        let map = maps::hand_out(Map::new(what, Some(place))?);
        if let Some(reservation) = config.reservation.as_ref() {
            reservation.remember(what.base, map);
        }
        Ok(map)
    }
}

/// Maps a source as a config says. On failure the pointer is null.
///
/// # Safety
/// `map` must be valid for a write; config and source must be such; the source's file must be open,
/// and the config's reservation must live as long as the map.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_new(
    map: *mut *mut Map,
    config: *const Config,
    source: *const Source,
) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        let created = create(&*config, &*source);
        *map = *created.as_ref().unwrap_or(&null_mut());
        answer(created.map(|_| ()))
    }
}
