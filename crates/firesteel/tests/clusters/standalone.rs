//! Programs on a standalone cluster: a master and workers as daemons of this process, executors as processes that they start.

mod allocation;
mod cached;
mod cluster;
mod cores;
mod decommission;
mod logs;
mod programs;
