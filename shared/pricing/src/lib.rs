//! Prices of operations, plans and packs: pure functions over the catalog of this build.
//!
//! This crate reads no clock, file or network, and has no floats. The same operation has the same price
//! everywhere until a new catalog is deployed. The catalog is written in `catalog.toml`; the build checks
//! it and compiles it in as [`CATALOG`].
//!
//! ```
//! use scrip_pricing::{CATALOG, Count, Credits, Operation};
//!
//! let operation = Operation::TextToImage {
//!     width: Count::new(768),
//!     height: Count::new(512),
//!     steps: Count::new(80),
//!     images: Count::new(2),
//! };
//! let price = CATALOG.quote(&operation)?;
//! assert_eq!(price.credits(), Credits::new(4, 0, 0));
//! # Ok::<(), scrip_pricing::UnsupportedOperation>(())
//! ```

mod catalog;
mod catalog_body;
#[cfg(feature = "catalog-file")]
#[doc(hidden)]
#[allow(dead_code, missing_docs, clippy::pedantic, reason = "the build's own code")]
#[path = "../build/catalog_file.rs"]
pub mod catalog_file;
mod count;
mod credits;
mod defaults;
mod kind;
mod low_balance;
mod operation;
mod pieces;
mod quote;
mod rates;

pub use catalog::{CATALOG, Catalog, Grant, Interval, Offer, Pack, Plan};
pub use count::Count;
pub use credits::Credits;
pub use kind::Kind;
pub use operation::{IfShort, Operation};
pub use pieces::{Pieces, Unit};
pub use quote::{Charge, Price, Tier, UnsupportedOperation};
