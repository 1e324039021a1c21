//! Spark's settings of security: permissions, secrets and encryption.

use super::rule::{Rule, harmless, obeyed, refused, warned};

const NO_USERS: &str = "Firesteel has no users: every process with the secret of an application may do everything, and no \
     other anything; remove the setting, and give the file with the secret only to those who may";

const NO_KEY_STORES: &str = "processes of an application talk over TLS 1.3 with keys that follow from its secret, and read no key stores; take it out (docs/security.md)";

const A_FILE: &str = "a secret among the settings is visible to everyone who can see these; write it to a file of your own, \
     and set `spark.authenticate.secret.file`";

const NO_KERBEROS: &str = "Firesteel does not support Kerberos, so stores would see another user than you name; remove the \
     setting, and give the program the rights by the store's own keys";

pub(super) static RULES: &[Rule] = &[
    obeyed(&["spark.authenticate.secret.file"], "see the table above"),
    refused(&["spark.authenticate.secret"], &[], A_FILE),
    refused(
        &["spark.authenticate.secret.driver.file", "spark.authenticate.secret.executor.file"],
        &[],
        "the driver and its executors have one file; set `spark.authenticate.secret.file`",
    ),
    harmless(
        &[
            "spark.authenticate",
            "spark.authenticate.*",
            "spark.network.crypto.*",
            "spark.network.sasl.*",
            "spark.network.auth.*",
        ],
        "processes always show each other the secret and talk over TLS 1.3, unless `firesteel.network.insecure` is set, which is refused \
         together with `spark.authenticate=true` or `spark.network.crypto.enabled=true`",
    ),
    refused(&["spark.ssl.enabled", "spark.ssl.*.enabled"], &["false"], NO_KEY_STORES),
    harmless(
        &["spark.ssl.*", "spark.network.ssl.*"],
        "they are read where `spark.ssl.enabled` is set, which is refused",
    ),
    obeyed(&["spark.io.encryption.enabled"], "see the table above"),
    refused(
        &["spark.io.encryption.keySizeBits"],
        &["128", "192", "256"],
        "keys have 256 bits; write 128, 192 or 256, or take it out",
    ),
    harmless(
        &["spark.io.encryption.*", "spark.io.crypto.*"],
        "keys have 256 bits and follow from the application's secret, and the cipher checks what it decrypts",
    ),
    refused(&["spark.acls.enable", "spark.history.ui.acls.enable"], &["false"], NO_USERS),
    harmless(
        &[
            "spark.admin.acls*",
            "spark.modify.acls*",
            "spark.ui.view.acls*",
            "spark.history.ui.admin.acls*",
            "spark.user.groups.mapping",
        ],
        "they are read where `spark.acls.enable` is set, which is refused",
    ),
    obeyed(&["spark.redaction.regex"], "see the table above"),
    harmless(&["spark.redaction.string.regex"], "it is for plans of queries"),
    refused(
        &["spark.kerberos.keytab", "spark.kerberos.principal", "spark.yarn.keytab", "spark.yarn.principal"],
        &["none"],
        NO_KERBEROS,
    ),
    harmless(
        &["spark.kerberos.*", "spark.security.*"],
        "they are read where there is a Kerberos principal, which is refused",
    ),
    warned(
        &["spark.ui.filters"],
        &[],
        "there is no JVM that could load a filter; a page that must not be seen is not to be opened to others (docs/security.md)",
    ),
];
