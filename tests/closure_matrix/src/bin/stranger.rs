//! Another program with an executor inside: the same library, the same closures, and a file of its own.

fn main() {
    closure_matrix::executor::serve();
}
