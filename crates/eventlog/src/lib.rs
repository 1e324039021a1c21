//! Event logs in the format of Spark 4.3: written while an application runs, and read again.
