//! Secrets: how they are made, read and refused, and that they are never shown.

use crate::support::PATIENCE;
use firesteel_net::{ConnectError, Credentials, Purpose, Secret, SecretError, connect};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_file_that_others_can_read_is_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    let secret = Secret::generate();
    secret.write_new(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Secret::from_file(&path).unwrap().to_text(), secret.to_text());
    assert!(secret.write_new(&path).is_err(), "it is there already");
    for mode in [0o640, 0o604, 0o660, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Secret::from_file(&path).unwrap_err();
        assert!(matches!(error, SecretError::OpenToOthers { .. }));
        let text = error.to_string();
        assert!(text.contains("chmod 600") && text.contains(path.to_str().unwrap()), "{text}");
    }
    let text = Secret::from_file(&dir.path().join("none")).unwrap_err().to_string();
    assert!(text.contains("none"), "{text}");
}

#[test]
fn a_short_one_is_refused_and_not_shown() {
    let error = Secret::from_text(" hunter2 ").unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("openssl rand -hex 32") && !text.contains("hunter2"), "{text}");
    let almost = "x".repeat(31);
    assert!(Secret::from_text(&almost).is_err());
    assert_eq!(Secret::from_text(&format!("{almost}y\n")).unwrap().to_text(), format!("{almost}y"));
    assert!(matches!(
        Secret::from_environment("FIRESTEEL_NO_SUCH_VARIABLE"),
        Err(SecretError::NotInEnvironment(_))
    ));
}

#[test]
fn new_ones_are_new_and_never_shown() {
    let (one, other) = (Secret::generate(), Secret::generate());
    assert_ne!(one.to_text(), other.to_text());
    assert_eq!(one.to_text().len(), 64);
    let credentials = Credentials::of(&one);
    let failed: ConnectError = connect("127.0.0.1:1", &credentials, Purpose::Control, PATIENCE).unwrap_err();
    for shown in [format!("{one:?}"), format!("{credentials:?}"), format!("{failed:?} {failed}")] {
        assert!(!shown.contains(&one.to_text()[..8]), "{shown}");
    }
    assert_eq!(format!("{one:?}"), "Secret(..)");
}
