//! The device against kpmem's own driver and against guests that lie; guest memory that persists.
#![allow(
    clippy::single_range_in_vec_init,
    reason = "what was synced is a list of ranges, also of one"
)]

mod both;
mod choices;
mod disk;
mod guest;
mod hostile;
mod length;
mod liar;
mod log;
mod mapping;
mod model;
mod persist;
mod queues;
mod random;
mod system;
mod trial;
