//! The crate by its public interface, over a transport in memory.

mod budget;
mod calls;
mod errors;
mod event;
mod facts;
mod hostile;
mod model;
mod money;
mod network;
mod objects;
mod paging;
mod server;
mod signature;
