//! [`EventLogSettings`]: what an application's configuration says about its event log.

use crate::codec::LogCodec;
use firesteel_conf::{self as conf, Conf, ConfError};
use std::collections::BTreeSet;

/// The settings of an application's event log.
///
/// ```
/// use firesteel_conf::Conf;
/// use firesteel_eventlog::{EventLogSettings, LogCodec};
/// let mut conf = Conf::default();
/// assert_eq!(EventLogSettings::from_conf(&conf)?, None);
/// conf.set("spark.eventLog.enabled", "true")?;
/// let settings = EventLogSettings::from_conf(&conf)?.unwrap();
/// assert_eq!((settings.dir.as_str(), settings.codec), ("/tmp/spark-events", Some(LogCodec::Zstd)));
/// # Ok::<(), firesteel_conf::ConfError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLogSettings {
    /// The directory of logs.
    pub dir: String,
    /// The codec, if logs are compressed.
    pub codec: Option<LogCodec>,
    /// The bytes of events with which a file is full and another one begins; none if a log is one file.
    pub max_file_bytes: Option<u64>,
    /// True if a log of the same application is written over.
    pub overwrite: bool,
    /// The bytes of events that are gathered before they go to the file.
    pub buffer_bytes: usize,
    /// True if changes of cached partitions are written.
    pub block_updates: bool,
    /// True if the peaks of executors' figures in each stage are written.
    pub stage_executor_metrics: bool,
    /// The names of events that are left out.
    pub excluded: BTreeSet<String>,
}

impl EventLogSettings {
    /// Reads them from a configuration; none if there is to be no event log.
    ///
    /// # Errors
    /// When a value is not of its setting's type.
    pub fn from_conf(conf: &Conf) -> Result<Option<EventLogSettings>, ConfError> {
        if !conf.get(&conf::EVENT_LOG)? {
            return Ok(None);
        }
        let codec = conf.get(&conf::EVENT_LOG_CODEC)?;
        let max_file_bytes = conf.get(&conf::EVENT_LOG_MAX_FILE_SIZE)?;
        let excluded = conf.get(&conf::EVENT_LOG_EXCLUDED)?;
        Ok(Some(EventLogSettings {
            dir: conf.get(&conf::EVENT_LOG_DIR)?,
            codec: LogCodec::named(&codec).filter(|_| conf.get(&conf::EVENT_LOG_COMPRESS).unwrap_or(true)),
            max_file_bytes: conf.get(&conf::EVENT_LOG_ROLLING)?.then_some(max_file_bytes),
            overwrite: conf.get(&conf::EVENT_LOG_OVERWRITE)?,
            buffer_bytes: usize::try_from(conf.get(&conf::EVENT_LOG_BUFFER)?).unwrap_or(usize::MAX),
            block_updates: conf.get(&conf::EVENT_LOG_BLOCK_UPDATES)?,
            stage_executor_metrics: conf.get(&conf::EVENT_LOG_STAGE_METRICS)?,
            excluded: excluded
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(Into::into)
                .collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparks_settings_are_read_in_sparks_units() {
        let mut conf = Conf::default();
        for (key, value) in [
            ("spark.eventLog.enabled", "true"),
            ("spark.eventLog.dir", "hdfs://h/logs"),
            ("spark.eventLog.compression.codec", "org.apache.spark.io.LZ4CompressionCodec"),
            ("spark.eventLog.rolling.maxFileSize", "10m"),
            ("spark.eventLog.buffer.kb", "50"),
            ("spark.eventLog.excludedPatterns", "SparkListenerTaskStart, SparkListenerTaskGettingResult"),
        ] {
            conf.set(key, value).unwrap();
        }
        let settings = EventLogSettings::from_conf(&conf).unwrap().unwrap();
        assert_eq!(settings.codec, Some(LogCodec::Lz4));
        assert_eq!((settings.max_file_bytes, settings.buffer_bytes), (Some(10 << 20), 50 << 10));
        assert!(settings.excluded.contains("SparkListenerTaskGettingResult"));
        conf.set("spark.eventLog.compress", "false").unwrap();
        conf.set("spark.eventLog.rolling.enabled", "false").unwrap();
        let settings = EventLogSettings::from_conf(&conf).unwrap().unwrap();
        assert_eq!((settings.codec, settings.max_file_bytes), (None, None));
        assert!(conf.set("spark.eventLog.rolling.maxFileSize", "1m").is_err());
        assert!(conf.set("spark.eventLog.compression.codec", "gzip").is_err());
    }
}
