#![no_std]
//! A record log in persistent memory.
