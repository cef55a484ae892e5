#![no_std]
//! Persistence primitives.
