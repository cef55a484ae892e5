#![no_std]
//! Bare-metal guest runtime.
