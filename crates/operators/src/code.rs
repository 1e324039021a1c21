//! The code of an operator as it travels from the driver to an executor, and the helpers with which an executor
//! builds the operator from it.

use crate::broadcast::{self, Owner};
use crate::stream::Op;
use crate::task::Origin;
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::block::{decode_value, encode_value};
use firesteel_data::{Data, DataError, Environment};
use serde::Serialize;
use std::sync::{Arc, OnceLock};

/// An operator's code: the function that builds it, and the environment that it needs.
#[derive(Clone)]
pub struct OperatorRef {
    /// The function that builds the operator.
    pub descriptor: &'static Descriptor,
    /// Its environment, encoded.
    pub environment: Arc<[u8]>,
    /// The broadcast variables that the environment holds.
    pub broadcasts: Arc<[Arc<Owner>]>,
    /// The environment as a broadcast variable of its own, set once the driver finds it too large to send with
    /// each stage.
    pub shipped: Arc<OnceLock<Arc<Owner>>>,
}

impl OperatorRef {
    /// Code with its environment.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn new<E: Serialize>(descriptor: &'static Descriptor, environment: &E) -> Result<Self, DataError> {
        let (environment, broadcasts) = broadcast::capture(|| encode_value(environment));
        Ok(OperatorRef {
            descriptor,
            environment: environment?.into(),
            broadcasts: broadcasts.into(),
            shipped: Arc::default(),
        })
    }
}

/// Decodes the environment that the driver sent.
pub(crate) fn environment<E: Environment>(args: &BuildArgs<'_>) -> Result<E, BuildError> {
    decode_value(args.environment).map_err(|e| BuildError(format!("the environment of {}: {e}", args.site)))
}

/// Returns one of the operators that this one reads.
pub(crate) fn input<T: Data>(args: &BuildArgs<'_>, index: usize) -> Result<Op<T>, BuildError> {
    let expected = std::any::type_name::<T>();
    let wrong = |what: &str| BuildError(format!("input {index} of {} {what} {expected}", args.site));
    let input: &Erased = args.inputs.get(index).ok_or_else(|| wrong("is missing; it should give"))?;
    input.downcast_ref::<Op<T>>().cloned().ok_or_else(|| wrong("does not give"))
}

/// Returns all of the operators that this one reads.
pub(crate) fn inputs<T: Data>(args: &BuildArgs<'_>) -> Result<Vec<Op<T>>, BuildError> {
    (0..args.inputs.len()).map(|index| input(args, index)).collect()
}

/// Makes the function that the driver had. For use in the `build` of an operator whose type names `F`, and
/// nowhere else.
pub(crate) fn instantiate<F: Plain>() -> ZeroSized<F> {
    // SAFETY: `build` of an operator that names F is reached through its descriptor only; the descriptor is private to the
    // operator, and given out by its `code`, which takes an F (or a `ZeroSized` made from one) by value. So one exists in
    // the process that made the plan, and this process runs the same program.
    unsafe { ZeroSized::instantiate() }
}

/// Returns the RDD and the line that the operator stands for.
pub(crate) fn origin(args: &BuildArgs<'_>) -> Origin {
    Origin { rdd: args.rdd, site: Arc::new(args.site.clone()) }
}
