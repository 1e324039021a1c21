//! `logistic_regression`: that the weights are those of the greatest likelihood is checked by its slope there, which no program is
//! needed to solve for; the share of flights foretold rightly is counted in a loop.

use super::{assert_close, numbers, read, rows, run, text};

type Point = ([f64; 4], bool);

/// What is learnt from, and what is judged by.
fn points(table: &str) -> (Vec<Point>, Vec<Point>) {
    let mut points = (vec![], vec![]);
    for row in rows(table) {
        let number = |name: &str| row(name).parse::<f64>();
        let (Ok(left), Ok(arrived)) = (number("dep_delay"), number("arr_delay")) else { continue };
        let x = [
            1.0,
            left.min(180.0) / 60.0,
            number("distance").unwrap() / 1000.0,
            number("hour").unwrap() / 10.0,
        ];
        let of_month = if number("month").unwrap() <= 9.0 { &mut points.0 } else { &mut points.1 };
        of_month.push((x, arrived > 15.0));
    }
    points
}

fn chance(weights: &[f64], x: &[f64; 4]) -> f64 {
    1.0 / (1.0 + (-(0..4).map(|i| weights[i] * x[i]).sum::<f64>()).exp())
}

fn check(path: &str) {
    let printed = run("logistic_regression", &[path]);
    let line = |start: &str| {
        printed.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{printed}"))
    };
    let weights = numbers(line("Weights: "));
    let (learnt, judged) = points(&read(path));

    // At the weights as printed, with four digits, the slope of the log-likelihood is nearly none, for each flight.
    for i in 0..4 {
        let slope: f64 =
            learnt.iter().map(|(x, late)| (f64::from(u8::from(*late)) - chance(&weights, x)) * x[i]).sum();
        assert_close(
            slope / learnt.len() as f64,
            0.0,
            1e-4,
            &format!("slope along weight {i} of {weights:?}"),
        );
    }
    let right = judged.iter().filter(|(x, late)| (chance(&weights, x) > 0.5) == *late).count() as f64;
    let late = judged.iter().filter(|(_, late)| *late).count() as f64;
    let all = judged.len() as f64;
    let said = numbers(line("Of "));
    assert_eq!(said[0], all);
    assert_close(said[1], 100.0 * right / all, 0.051, "share foretold rightly");
    assert_close(numbers(line("who always"))[0], 100.0 * (all - late) / all, 0.051, "share on time");
}

#[test]
fn late_flights_of_the_sample() {
    // So few flights are soon told apart without an error, and then there are no weights: the program says so, or answers.
    let output = super::start("logistic_regression", &["examples/sample/flights.csv"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    check("examples/sample/flights.csv");
}

#[test]
fn flights_that_are_all_alike_are_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let table = read("examples/sample/flights.csv");
    let few: Vec<&str> = table.lines().take(2).collect();
    std::fs::write(file.path(), few.join("\n")).unwrap();
    let output = super::start("logistic_regression", &[file.path().to_str().unwrap()]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("too few or too alike"), "{said}");
}

#[test]
#[ignore = "wants what `cargo xtask data` fetches"]
fn real_late_flights() {
    check("target/data/flights.csv");
}
