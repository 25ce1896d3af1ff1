//! `verify` on the embedded engine: what it finds of each kind of damage, what it mends, and what it leaves alone.

mod damage;
mod export;
mod facts;
mod live;
mod program;
mod repair;
mod speed;
mod world;
