//! What is published: that it can be, that it may be, and that it says what it is.

pub mod api;
mod blocks;
mod docs;
mod examples;
mod items;
mod licences;
mod metadata;
mod package;
mod readme;
pub mod tool;

use crate::report::Suite;
use anyhow::Result;

/// Everything that a release must satisfy and no other suite sees.
pub fn run() -> Result<Vec<Suite>> {
    let published = metadata::published()?;
    Ok(vec![
        package::run(&published)?,
        tool::run()?,
        licences::run()?,
        api::run()?,
        examples::run()?,
    ])
}
