//! `firesteel decommission`: decommissions a worker. Applications migrate the blocks that they have there, and
//! the worker ends when all have.

use crate::options::{SecretFile, masters};
use crate::secret::println_to_user;
use clap::Args;
use firesteel_cluster::standalone::client::Client;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct DecommissionOptions {
    /// The worker's name, as `firesteel status` prints it.
    #[arg(value_name = "WORKER")]
    worker: String,
    /// The master, or masters that stand by for each other: firesteel://HOST:7077[,HOST:7077].
    #[arg(long, value_name = "MASTER", env = "FIRESTEEL_MASTER")]
    master: String,
    #[command(flatten)]
    secret: SecretFile,
}

pub(crate) fn decommission(options: &DecommissionOptions) -> Result<ExitCode, String> {
    let mut client = Client::new(&masters(&options.master)?, options.secret.credentials()?);
    let worker = &options.worker;
    match client.decommission(worker)? {
        true => {
            println_to_user(&format!(
                "{worker} gets nothing new, and ends when its applications have moved what they have there"
            ));
            Ok(ExitCode::SUCCESS)
        }
        false => Err(format!("the master at {} knows no worker {worker}", options.master)),
    }
}
