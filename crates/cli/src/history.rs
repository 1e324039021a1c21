//! `firesteel history`: the pages and the REST interface of applications of which logs are left.

use crate::daemons::wait_for_signal;
use crate::log::LogOptions;
use crate::pages::{LoginLink, PageTls};
use clap::Args;
use firesteel_ui::history::{History, HistoryConfig};
use firesteel_ui::{Site, UiConfig, start};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct HistoryOptions {
    /// A directory of event logs, of Firesteel's applications or of Spark's; may be given several times.
    #[arg(long = "dir", short = 'd', value_name = "DIR", required = true, env = "FIRESTEEL_HISTORY_DIR")]
    dirs: Vec<String>,
    /// The port to listen at; 0 for any that is free.
    #[arg(long, short = 'p', default_value_t = 18080, env = "FIRESTEEL_HISTORY_PORT")]
    port: u16,
    /// The address to listen at. Everything but this machine's own asks for a login, by a link in a file of --state-dir.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    /// The directory for the file with the link that logs in. Made only where a login is asked for.
    #[arg(long, value_name = "DIR", default_value = "firesteel-history")]
    state_dir: PathBuf,
    #[command(flatten)]
    tls: PageTls,
    /// The seconds between two looks at the directories.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    update_interval: u64,
    /// The most applications whose logs are kept in memory, read.
    #[arg(long, value_name = "N", default_value_t = 50)]
    retained_applications: usize,
    /// A setting of the store in which the logs are: spark.hadoop.fs.s3a.endpoint=http://127.0.0.1:9000
    #[arg(long = "conf", short = 'c', value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    #[command(flatten)]
    log: LogOptions,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a setting has the form KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

pub(crate) fn history(options: &HistoryOptions) -> Result<ExitCode, String> {
    options.log.begin();
    let interval = Duration::from_secs(options.update_interval);
    let config = HistoryConfig {
        dirs: options.dirs.clone(),
        store_settings: options.settings.clone(),
        update_interval: interval,
        retained_applications: options.retained_applications,
        ..HistoryConfig::default()
    };
    let history = History::new(&config).map_err(|error| error.to_string())?;
    for (path, reason) in history.refused() {
        tracing::warn!("{path} is not shown: {reason}");
    }
    let ui = UiConfig {
        host: options.host.clone(),
        port: options.port,
        retries: 0,
        tls: options.tls.files(),
        ..UiConfig::default()
    };
    let site = Site::new(Arc::clone(&history) as _);
    let server = start(&ui, site, Default::default()).map_err(|error| error.to_string())?;
    let _thread = history.start(interval).map_err(|error| error.to_string())?;
    let link = LoginLink::leave(&server, &options.state_dir);
    tracing::info!("the history server is {}", link.place(&server));
    wait_for_signal()?;
    server.stop();
    Ok(ExitCode::SUCCESS)
}
