//! Input paths: directories, globs, lists and hidden names, and the errors when there are no files.

use firesteel_io::{IoCause, IoError, Stores, list_inputs};
use std::path::Path;

/// Makes files, each as long as its name, and the directories that they are in.
fn tree(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
    dir
}

/// Lists patterns inside `dir`, and gives the names relative to it.
fn list(dir: &Path, patterns: &[&str]) -> Result<Vec<String>, IoError> {
    let dir = dir.to_str().unwrap();
    let spec = patterns.iter().map(|pattern| format!("{dir}/{pattern}")).collect::<Vec<_>>().join(",");
    let relative = |path: &str| path.strip_prefix(dir).unwrap().trim_start_matches('/').to_string();
    Ok(list_inputs(&Stores::default(), &spec)?.iter().map(|file| relative(&file.path)).collect())
}

#[test]
fn a_directory_stands_for_its_visible_files_in_order() {
    let dir = tree(&["b", "a", "_SUCCESS", ".a.crc", "_temporary/0/part", "Z"]);
    assert_eq!(list(dir.path(), &[""]).unwrap(), ["Z", "a", "b"]);
    assert_eq!(list(dir.path(), &["a", "", "a"]).unwrap(), ["a", "Z", "a", "b", "a"]);
}

#[test]
fn lengths_are_those_of_the_files() {
    let dir = tree(&["four"]);
    let files = list_inputs(&Stores::default(), &format!("file:{}", dir.path().display())).unwrap();
    assert_eq!((files.len(), files[0].length), (1, 4));
}

#[test]
fn globs_match_files_and_directories() {
    let dir = tree(&["2024/01/a", "2024/02/b", "2025/01/c", "2025/01/_d", "x,y", "a*b", "axb"]);
    let list = |pattern: &str| list(dir.path(), &[pattern]).unwrap();
    assert_eq!(list("*/01"), ["2024/01/a", "2025/01/c"]);
    assert_eq!(list("202[4-5]/*/?"), ["2024/01/a", "2024/02/b", "2025/01/c"]);
    assert_eq!(list("202[^4]/*"), ["2025/01/c"]);
    assert_eq!(list("{2025,2024}/{02,03}/*"), ["2024/02/b"]);
    assert_eq!(list("{2025/01,2024/02}/*"), ["2024/02/b", "2025/01/c"]);
    assert_eq!(list("{2024/01,*/01}/a"), ["2024/01/a"]);
    assert_eq!(list("x\\,y"), ["x,y"]);
    assert_eq!(list("a\\*b"), ["a*b"]);
    assert_eq!(list("a*b"), ["a*b", "axb"]);
}

#[test]
fn a_hidden_file_is_read_if_it_is_named_and_not_if_it_is_matched() {
    let dir = tree(&["_a", ".b", "c"]);
    assert_eq!(list(dir.path(), &["_a"]).unwrap(), ["_a"]);
    assert_eq!(list(dir.path(), &["*"]).unwrap(), ["c"]);
    assert!(list(dir.path(), &["[_]*"]).is_err());
}

#[test]
fn a_directory_inside_is_an_error_that_says_what_to_do() {
    let dir = tree(&["data/a", "data/inner/b"]);
    let error = list(dir.path(), &["data"]).unwrap_err();
    assert_eq!(error.cause, IoCause::NestedDirectory("inner".into()));
    assert!(error.to_string().contains("data: it holds a directory, inner, and"), "{error}");
    assert_eq!(list(dir.path(), &["data/*"]).unwrap(), ["data/a", "data/inner/b"]);
}

#[test]
fn an_empty_directory_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(list(dir.path(), &[""]).unwrap().is_empty());
}

#[test]
fn what_is_missing_is_named() {
    let dir = tree(&["data/a", "data/b"]);
    let root = dir.path().display();
    let text = |pattern| list(dir.path(), &[pattern]).unwrap_err().to_string();
    assert_eq!(text("nil"), format!("could not list {root}/nil: there is no such file or directory"));
    assert_eq!(
        text("data/a/b"),
        format!("could not list {root}/data/a/b: there is no such file or directory")
    );
    assert_eq!(
        text("data/*.gz"),
        format!("could not list {root}/data/*.gz: nothing matches among the 2 names in {root}/data")
    );
    assert_eq!(
        text("nil/*"),
        format!("could not list {root}/nil/*: nothing matches: there is no directory {root}/nil")
    );
    assert!(
        text("*/*/*").contains("nothing matches among the 3 names in 2 directories"),
        "{}",
        text("*/*/*")
    );
    assert!(text("[a").contains("the pattern is not well formed: a [ is not closed"));
    assert_eq!(
        list_inputs(&Stores::default(), "").unwrap_err().to_string(),
        "could not list \"\": the path is empty"
    );
    assert!(list_inputs(&Stores::default(), "s3://bucket/a").unwrap_err().to_string().contains("s3:"));
}

#[test]
fn relative_paths_become_absolute() {
    let files = list_inputs(&Stores::default(), "Cargo.toml,src/*.rs").unwrap();
    assert!(files.len() > 2 && files.iter().all(|file| Path::new(&file.path).is_absolute()));
}
