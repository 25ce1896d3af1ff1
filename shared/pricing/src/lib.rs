//! What work costs and what can be bought: pure functions over the catalog of this build.
//!
//! Nothing here reads a clock, a file or a network, and nothing is a float: the same operation
//! has the same price everywhere until a new catalog is deployed. The catalog is written in
//! `catalog.toml`, checked by the build, and compiled in as [`CATALOG`].
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
//! # Ok::<(), scrip_pricing::Unsupported>(())
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

pub use catalog::{CATALOG, Catalog, Gives, Interval, Offer, Pack, Plan};
pub use count::Count;
pub use credits::Credits;
pub use kind::Kind;
pub use operation::{IfShort, Operation};
pub use pieces::{Pieces, Unit};
pub use quote::{Charge, Price, Tier, Unsupported};
