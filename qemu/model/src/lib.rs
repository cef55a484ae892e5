//! The crash model.
