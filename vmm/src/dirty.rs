//! vm-memory's dirty bitmaps, as a list of what is to be made durable.

use std::num::NonZeroUsize;

use vm_memory::bitmap::{AtomicBitmap, Bitmap, NewBitmap, RefSlice, WithBitmapSlice};

use crate::Runs;

/// A bitmap whose marks can be taken, and put back.
///
/// Who takes marks syncs *afterwards*: vm-memory sets a mark after the store that it is for, so a
/// store whose mark was taken is in the sync, and one whose mark comes later is in the next.
pub trait DirtyPages: Bitmap {
    /// Takes the marks of a mapping of `len` bytes away; the answer is what was marked. `None` if
    /// that cannot be told, so that all of it may be.
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

/// Its pages must be a power of two of bytes, which is how their size is found out.
impl DirtyPages for AtomicBitmap {
    fn take(&self, len: usize) -> Option<Runs> {
        let page = page_size(self)?;
        Some(Runs::from_bitmap(self.get_and_reset(), page, len))
    }

    fn put_back(&self, runs: &Runs) {
        for run in runs.iter() {
            self.set_addr_range(run.start, run.len());
        }
    }
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

    /// The same, by pages of `page` bytes, which must be a power of two.
    #[must_use]
    pub fn with_page(len: usize, page: NonZeroUsize, inner: B) -> Self {
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
