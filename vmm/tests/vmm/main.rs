//! The device against kpmem's own driver and against guests that lie; guest memory that persists.

mod both;
mod disk;
mod guest;
mod hostile;
mod mapping;
mod model;
mod persist;
mod random;
mod trial;
