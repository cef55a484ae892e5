//! vm-memory's dirty bitmaps, as a list of what is to be made durable.

use std::{cmp::Ordering, num::NonZeroUsize};

use vm_memory::bitmap::{AtomicBitmap, Bitmap, NewBitmap, RefSlice, WithBitmapSlice};

use crate::Runs;

/// A bitmap whose marks can be taken, and put back.
///
/// Who takes marks syncs *afterwards*: vm-memory sets a mark after the store that it is for, so a
/// store whose mark was taken is in the sync, and one whose mark comes later is in the next.
pub trait DirtyPages: Bitmap {
    /// Takes the marks of a mapping of `len` bytes away; the answer is what was marked. `None` if
    /// that cannot be told, so that all of it may be: also where there are marks for a part of the
    /// mapping only. Marks behind it stay, and the one of a page that it ends in.
    fn take(&self, len: usize) -> Option<Runs>;

    /// Sets marks again that were taken, and whose pages were not made durable.
    fn put_back(&self, runs: &Runs);
}

/// No marks: all may be dirty.
impl DirtyPages for () {
    fn take(&self, _len: usize) -> Option<Runs> {
        None
    }

    fn put_back(&self, _runs: &Runs) {}
}

impl<B: DirtyPages> DirtyPages for Option<B> {
    fn take(&self, len: usize) -> Option<Runs> {
        self.as_ref()?.take(len)
    }

    fn put_back(&self, runs: &Runs) {
        if let Some(bitmap) = self {
            bitmap.put_back(runs);
        }
    }
}

/// Its pages must be a power of two of bytes, which is how their size is found out: of others none
/// is taken, and all is synced. So it is where the bitmap is for fewer bytes than the mapping has.
impl DirtyPages for AtomicBitmap {
    fn take(&self, len: usize) -> Option<Runs> {
        let page = page_size(self)?;
        match self.byte_size().cmp(&len) {
            Ordering::Less => None,
            Ordering::Equal => Some(Runs::from_bitmap(self.get_and_reset(), page, len)),
            Ordering::Greater => Some(take_first(self, page, len)),
        }
    }

    fn put_back(&self, runs: &Runs) {
        for run in runs.iter() {
            self.set_addr_range(run.start, run.len());
        }
    }
}

/// Takes the marks of the first `len` bytes, which are not all, mark by mark. What is marked
/// between the look at a mark and its end was stored before the sync.
fn take_first(bitmap: &AtomicBitmap, page: usize, len: usize) -> Runs {
    let words = (0..len.div_ceil(page).div_ceil(64)).map(|word| {
        let bits = (0..64).filter(|bit| {
            let index = word * 64 + bit;
            let is_marked = bitmap.is_bit_set(index);
            if is_marked && (index + 1).saturating_mul(page) <= len {
                bitmap.reset_bit(index);
            }
            is_marked
        });
        bits.fold(0, |bits, bit| bits | 1 << bit)
    });
    Runs::from_bitmap(words, page, len)
}

/// The power of two that makes as many pages of so many bytes as there are; one at most does, if
/// there is more than one page.
fn page_size(bitmap: &AtomicBitmap) -> Option<usize> {
    let (pages, bytes) = (bitmap.len(), bitmap.byte_size());
    if pages == 0 {
        return None;
    }
    let page = bytes.div_ceil(pages).checked_next_power_of_two()?;
    (bytes.div_ceil(page) == pages).then_some(page)
}

/// Marks of our own beside those of another bitmap: for a region whose dirty pages are also
/// somebody else's business, such as a migration's, so that neither takes the other's marks.
#[derive(Debug, Default)]
pub struct Tracked<B = ()> {
    ours: AtomicBitmap,
    inner: B,
}

impl<B: Bitmap> Tracked<B> {
    /// Marks for a region of `len` bytes, by the host's pages, beside `inner`.
    #[must_use]
    pub fn new(len: usize, inner: B) -> Self {
        Self {
            ours: AtomicBitmap::with_len(len),
            inner,
        }
    }

    /// The same, by pages of `page` bytes, a power of two.
    ///
    /// # Panics
    /// If `page` is none.
    #[must_use]
    pub fn with_page(len: usize, page: NonZeroUsize, inner: B) -> Self {
        assert!(
            page.is_power_of_two(),
            "a page of {page} bytes is no power of two"
        );
        Self {
            ours: AtomicBitmap::new(len, page),
            inner,
        }
    }

    /// The other bitmap.
    pub fn inner(&self) -> &B {
        &self.inner
    }
}

impl<'a, B: Bitmap + 'static> WithBitmapSlice<'a> for Tracked<B> {
    type S = RefSlice<'a, Self>;
}

impl<B: Bitmap + 'static> Bitmap for Tracked<B> {
    fn mark_dirty(&self, offset: usize, len: usize) {
        self.ours.mark_dirty(offset, len);
        self.inner.mark_dirty(offset, len);
    }

    /// For one or the other.
    fn dirty_at(&self, offset: usize) -> bool {
        self.ours.dirty_at(offset) || self.inner.dirty_at(offset)
    }

    fn slice_at(&self, offset: usize) -> <Self as WithBitmapSlice<'_>>::S {
        RefSlice::new(self, offset)
    }
}

impl<B: NewBitmap + 'static> NewBitmap for Tracked<B> {
    fn with_len(len: usize) -> Self {
        Self::new(len, B::with_len(len))
    }
}

impl<B: Bitmap + 'static> DirtyPages for Tracked<B> {
    fn take(&self, len: usize) -> Option<Runs> {
        self.ours.take(len)
    }

    fn put_back(&self, runs: &Runs) {
        self.ours.put_back(runs);
    }
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a list of ranges, also of one"
)]
mod tests {
    use super::*;

    const PAGE: usize = 4096;

    fn bitmap(len: usize, page: usize) -> AtomicBitmap {
        AtomicBitmap::new(len, NonZeroUsize::new(page).unwrap())
    }

    #[test]
    fn a_bitmap_tells_its_page_size() {
        for page in [1, 64, PAGE, 1 << 16, 1 << 21] {
            for len in [2 * page, 3 * page, 3 * page + 1, 100 * page, (1 << 26) - 1] {
                if len > page {
                    assert_eq!(page_size(&bitmap(len, page)), Some(page), "{len} by {page}");
                }
            }
        }
        // One page is all there is, whatever its size; of 0 bytes there is none.
        assert!(page_size(&bitmap(5000, 8192)).unwrap() >= 5000);
        assert_eq!(page_size(&bitmap(0, PAGE)), None);
        assert_eq!(page_size(&bitmap(30_000, 3000)), None, "no power of two");
    }

    #[test]
    fn marks_are_taken_once_and_put_back() {
        let marks = bitmap(16 * PAGE, PAGE);
        marks.mark_dirty(3 * PAGE + 100, 1);
        marks.mark_dirty(5 * PAGE - 1, 2);
        let runs = marks.take(16 * PAGE).unwrap();
        assert_eq!(runs.iter().collect::<Vec<_>>(), [3 * PAGE..6 * PAGE]);
        assert!(marks.take(16 * PAGE).unwrap().is_empty());
        marks.mark_dirty(0, 1);
        marks.put_back(&runs);
        assert_eq!(marks.take(16 * PAGE).unwrap().bytes(), 4 * PAGE);
    }

    #[test]
    fn a_bitmap_of_less_than_the_mapping_tells_nothing() {
        for pages in [0, 1, 2, 15] {
            let marks = bitmap(pages * PAGE, PAGE);
            marks.mark_dirty(0, 1);
            marks.mark_dirty(15 * PAGE, 1);
            assert_eq!(marks.take(16 * PAGE), None, "{pages} of 16 pages");
            assert_eq!(marks.dirty_at(0), pages > 0, "the mark is there still");
            assert_eq!(Tracked::new(pages * PAGE, ()).take(16 * PAGE), None);
        }
        assert_eq!(bitmap(16 * PAGE - 1, PAGE).take(16 * PAGE), None);
        assert_eq!(AtomicBitmap::default().take(PAGE), None);
    }

    #[test]
    fn marks_behind_the_mapping_stay() {
        let all = Tracked::new(200 * PAGE, ());
        let marked = [0, 1, 63, 64, 65, 99, 100, 128, 199];
        let mark = || {
            marked
                .iter()
                .for_each(|page| all.mark_dirty(page * PAGE + 5, 1))
        };
        for len in [1, PAGE, 64 * PAGE, 65 * PAGE + 1, 100 * PAGE, 128 * PAGE] {
            mark();
            let runs = all.take(len).unwrap();
            for page in marked {
                let start = page * PAGE;
                let is_told = runs.iter().any(|run| run.contains(&start));
                assert_eq!(is_told, start < len, "{page} of {len}");
                assert_eq!(all.dirty_at(start), start + PAGE > len, "{page} of {len}");
            }
            all.put_back(&runs);
            assert_eq!(all.take(200 * PAGE).unwrap().bytes(), marked.len() * PAGE);
        }
    }

    #[test]
    #[should_panic(expected = "a page of 5000 bytes is no power of two")]
    fn pages_are_powers_of_two() {
        let _ = Tracked::with_page(1 << 20, NonZeroUsize::new(5000).unwrap(), ());
    }

    #[test]
    fn no_marks_are_all() {
        assert_eq!(().take(PAGE), None);
        assert_eq!(None::<AtomicBitmap>.take(PAGE), None);
        assert_eq!(Some(bitmap(PAGE, PAGE)).take(PAGE), Some(Runs::default()));
    }

    #[test]
    fn neither_takes_the_others_marks() {
        let both = Tracked::new(16 * PAGE, bitmap(16 * PAGE, PAGE));
        both.slice_at(2 * PAGE).mark_dirty(5, 1);
        assert!(both.dirty_at(2 * PAGE) && !both.dirty_at(PAGE));
        let ours = both.take(16 * PAGE).unwrap();
        assert_eq!(ours.bytes(), PAGE);
        assert!(both.dirty_at(2 * PAGE), "the other's is there still");
        assert_eq!(both.inner().get_and_reset()[0], 1 << 2);
        assert!(!both.dirty_at(2 * PAGE));
        both.put_back(&ours);
        assert!(both.take(16 * PAGE).unwrap() == ours && both.inner().get_and_reset()[0] == 0);
        assert_eq!(
            Tracked::<()>::with_len(PAGE).take(PAGE),
            Some(Runs::default())
        );
    }
}
