//! The table of Spark's settings: it knows every key, says what it says of the engine, and of values where these matter.
//!
//! `spark-keys.txt` holds the names of the settings of Spark 4.3.

use firesteel_conf::spark::{Face, GROUPS, Reference, Treatment, Verdict, is_known, judge};
use firesteel_conf::{
    ALL, BARRIER_SYNC_TIMEOUT_MS, CLEAN_CHECKPOINTS, Conf, EXCLUDE, EXCLUDE_KILL, EXCLUDE_TASK_PER_HOST,
    EXCLUDE_TIMEOUT_MS, EXCLUDE_UNSCHEDULABLE_MS, EXECUTOR_MEMORY, LOCALITY_WAIT_MS, LOG_LEVEL,
    MAX_RESULT_SIZE, NETWORK_TIMEOUT_MS, PYSPARK_MEMORY,
};

const KEYS: &str = include_str!("spark-keys.txt");

#[test]
fn every_setting_of_spark_is_in_the_table() {
    let missing: Vec<_> = KEYS.lines().filter(|key| !is_known(key)).collect();
    assert!(missing.is_empty(), "what becomes of these? {missing:#?}");
}

#[test]
fn no_setting_of_spark_is_taken_for_a_misspelt_one() {
    let taken = KEYS.lines().filter_map(|key| match judge(key, "", Face::Python) {
        Verdict::Warning(warning) if warning.contains("did you mean") => Some(warning),
        _ => None,
    });
    assert_eq!(taken.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn what_is_obeyed_is_a_setting_of_the_engine() {
    let rules = GROUPS.iter().flat_map(|(_, rules)| *rules);
    for key in rules.filter(|rule| rule.treatment == Treatment::Obeyed).flat_map(|rule| rule.keys) {
        let error = Conf::default().set(key, "no value of any setting \u{0}").err().map(|e| e.to_string());
        assert!(!error.is_some_and(|error| error.contains("there is no setting")), "{key}");
    }
}

#[test]
fn what_the_engine_has_under_the_same_name_is_obeyed() {
    let spelled = |key: &str| {
        let mut humps = false;
        let bare = key.trim_start_matches("firesteel.").chars().filter_map(move |letter| {
            let upper = std::mem::replace(&mut humps, letter == '_');
            (letter != '_').then(|| if upper { letter.to_ascii_uppercase() } else { letter })
        });
        format!("spark.{}", bare.collect::<String>())
    };
    for key in ALL.iter().map(|entry| spelled(entry.key)).filter(|key| KEYS.lines().any(|one| one == key)) {
        let verdict = judge(&key, "true", Face::Python);
        assert_eq!(verdict, Verdict::Obeyed, "{key}");
    }
}

/// Each with a value that must not be ignored, and one that may be.
const REFUSED: &[(&str, &str, &str)] = &[
    ("spark.acls.enable", "true", "false"),
    ("spark.ssl.enabled", "True", "false"),
    ("spark.ssl.ui.enabled", "true", "false"),
    ("spark.ssl.rpc.enabled", "true", " False "),
    ("spark.authenticate.secret", "hush", ""),
    ("spark.kerberos.principal", "me@HERE", ""),
    ("spark.python.worker.reuse", "false", "true"),
    ("spark.python.daemon.module", "mine.daemon", "pyspark.daemon"),
    ("spark.files.overwrite", "true", "false"),
    ("spark.executor.resource.gpu.amount", "1", "0"),
    ("spark.task.resource.fpga.amount", "0.5", "0"),
    ("spark.driver.resource.gpu.amount", "2", "0"),
    ("spark.stage.maxAttempts", "8", "2147483647"),
    ("spark.submit.deployMode", "cluster", "client"),
    ("spark.remote", "sc://host", ""),
    ("spark.api.mode", "connect", "classic"),
    ("spark.io.encryption.keySizeBits", "512", "256"),
];

#[test]
fn what_must_not_be_ignored_is_refused_with_what_to_do() {
    for (key, wrong, right) in REFUSED {
        for face in [Face::Rust, Face::Python] {
            let Verdict::Refused(error) = judge(key, wrong, face) else { panic!("{key}={wrong} is let in") };
            let text = error.to_string();
            assert!(text.contains(key) && !text.contains("hush"), "{text}");
            assert_eq!(judge(key, right, face), Verdict::Kept, "{key}={right}");
        }
        assert!(Conf::default().set(key, wrong).is_err());
        Conf::default().set(key, right).unwrap();
    }
}

#[test]
fn what_programs_of_all_kinds_set_is_let_in() {
    let pairs = [
        ("spark.sql.shuffle.partitions", "8"),
        ("spark.serializer", "org.apache.spark.serializer.KryoSerializer"),
        ("spark.driver.memory", "8g"),
        ("spark.kryoserializer.buffer.max", "512m"),
        ("spark.ui.port", "4050"),
        ("spark.ui.enabled", "false"),
        ("spark.eventLog.enabled", "false"),
        ("spark.memory.fraction", "0.8"),
        ("spark.shuffle.compress", "true"),
        ("spark.executor.extraJavaOptions", "-XX:+UseG1GC"),
        ("spark.python.worker.memory", "1g"),
        ("spark.my.own.setting", "1"),
    ];
    let mut conf = Conf::default();
    for (key, value) in pairs {
        conf.set(key, value).unwrap();
    }
    assert_eq!(conf.check(), Ok(vec![]));
    assert!(conf.iter().any(|pair| pair == ("spark.my.own.setting", "1")), "it can be read back");
}

#[test]
fn what_people_rely_on_and_is_not_there_is_warned_of() {
    let mut conf = Conf::default();
    conf.set("spark.driver.log.persistToDfs.enabled", "true").unwrap();
    conf.set("spark.scheduler.executorTaskBlacklistTime", "5000").unwrap();
    conf.set("spark.python.worker.resue", "false").unwrap();
    let warnings = conf.check().unwrap().join("\n");
    assert!(
        warnings.contains("driver's log is not copied")
            && warnings.contains("`spark.excludeOnFailure.timeout` instead"),
        "{warnings}"
    );
    assert!(warnings.contains("did you mean `spark.python.worker.reuse`"), "{warnings}");
}

#[test]
fn what_only_python_programs_have_is_refused_in_rust() {
    for key in ["spark.files", "spark.executorEnv.LANG", "spark.archives", "spark.submit.pyFiles"] {
        assert_eq!(judge(key, "x", Face::Python), Verdict::Obeyed);
        assert!(matches!(judge(key, "x", Face::Rust), Verdict::Refused(_)), "{key}");
    }
    // What readers of a Rust program do not look up is not let in as if they did.
    assert!(Conf::default().set("spark.hadoop.no.such.thing", "1").is_err());
}

#[test]
fn values_without_a_unit_are_in_sparks() {
    let mut conf = Conf::default();
    for (key, value) in [
        ("spark.network.timeout", "300"),
        ("spark.executor.memory", "1024"),
        ("spark.driver.maxResultSize", "4096"),
        ("spark.locality.wait", "250"),
        ("spark.cleaner.referenceTracking.cleanCheckpoints", "FALSE"),
        ("spark.barrier.sync.timeout", "30"),
        ("spark.executor.pyspark.memory", "700"),
        ("spark.log.level", "ERROR"),
        ("spark.speculation", "TRUE"),
        ("spark.scheduler.excludeOnFailure.unschedulableTaskSetTimeout", "60"),
        ("spark.excludeOnFailure.timeout", "250"),
    ] {
        conf.set(key, value).unwrap();
    }
    assert_eq!(conf.get(&NETWORK_TIMEOUT_MS), Ok(300_000));
    assert_eq!(conf.get(&EXECUTOR_MEMORY), Ok(1 << 30));
    assert_eq!(conf.get(&MAX_RESULT_SIZE), Ok(4096));
    assert_eq!(conf.get(&LOCALITY_WAIT_MS), Ok(250));
    assert_eq!(conf.get(&CLEAN_CHECKPOINTS), Ok(false));
    assert_eq!(conf.get(&BARRIER_SYNC_TIMEOUT_MS), Ok(30_000));
    assert_eq!(conf.get(&PYSPARK_MEMORY), Ok(Some(700 << 20)));
    assert_eq!(conf.get(&LOG_LEVEL), Ok("off".into()));
    assert_eq!((conf.get(&EXCLUDE_UNSCHEDULABLE_MS), conf.get(&EXCLUDE_TIMEOUT_MS)), (Ok(60_000), Ok(250)));
}

#[test]
fn the_older_names_of_exclusion_mean_the_same() {
    let mut conf = Conf::default();
    for (key, value) in [
        ("spark.blacklist.enabled", "true"),
        ("spark.blacklist.timeout", "2h"),
        ("spark.blacklist.task.maxTaskAttemptsPerNode", "3"),
        ("spark.blacklist.killBlacklistedExecutors", "true"),
        ("spark.scheduler.blacklist.unschedulableTaskSetTimeout", "7"),
    ] {
        assert_eq!(judge(key, value, Face::Python), Verdict::Obeyed, "{key}");
        conf.set(key, value).unwrap();
    }
    assert_eq!((conf.get(&EXCLUDE), conf.get(&EXCLUDE_KILL)), (Ok(true), Ok(true)));
    assert_eq!((conf.get(&EXCLUDE_TIMEOUT_MS), conf.get(&EXCLUDE_TASK_PER_HOST)), (Ok(7_200_000), Ok(3)));
    assert_eq!(conf.get(&EXCLUDE_UNSCHEDULABLE_MS), Ok(7_000));
    assert!(conf.set("spark.blacklist.timeout", "0").is_err());
}

#[test]
fn under_their_own_keys_values_without_a_unit_are_in_the_engines() {
    let mut conf = Conf::default();
    conf.set("firesteel.network.timeout", "300").unwrap();
    conf.set("firesteel.executor.memory", "1048576").unwrap();
    assert_eq!(conf.get(&NETWORK_TIMEOUT_MS), Ok(300));
    assert_eq!(conf.get(&EXECUTOR_MEMORY), Ok(1 << 20));
}

#[test]
fn an_insecure_network_and_one_that_is_to_be_protected_contradict_each_other() {
    for key in ["spark.authenticate", "spark.network.crypto.enabled"] {
        let mut conf = Conf::default();
        conf.set(key, "true").unwrap();
        assert_eq!(conf.check(), Ok(vec![]), "it is so anyway");
        conf.set("firesteel.network.insecure", "true").unwrap();
        assert!(conf.check().unwrap_err().to_string().contains(key));
    }
}

#[test]
fn the_documentation_holds_the_table() {
    let documented = include_str!("../../../docs/configuration.md");
    let table = Reference.to_string();
    assert!(documented.contains(table.trim()), "docs/configuration.md should hold this:\n{table}");
}
