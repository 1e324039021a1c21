//! Descriptors: the checked entry point of an operator's code, its name on the wire, and the way back from the
//! name.

use crate::objects::{self, CodeError, ObjectHash};
use firesteel_types::{CallSite, RddId};
use std::any::{Any, TypeId};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The first bytes of a descriptor: "firestee".
const MAGIC: u64 = u64::from_le_bytes(*b"firestee");
/// The version, raised with every change to [`Descriptor`] or [`BuildFn`].
const ABI_VERSION: u64 = 1;

/// An operator as `Any`: only its neighbours know its record types.
pub type Erased = Arc<dyn Any + Send + Sync>;

/// The arguments from which a [`BuildFn`] makes an operator.
pub struct BuildArgs<'a> {
    /// The RDD that the operator computes.
    pub rdd: RddId,
    /// The place in the user's program.
    pub site: &'a CallSite,
    /// The encoded environment.
    pub environment: &'a [u8],
    /// The operators whose output it reads, in order.
    pub inputs: Vec<Erased>,
}

/// The reason why an operator could not be made: the environment does not decode, or an input has another type
/// than expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub String);

/// Turns an environment and inputs into an operator.
pub type BuildFn = fn(BuildArgs<'_>) -> Result<Erased, BuildError>;

/// Static data beside an operator's code, at an address that driver and executor can both name. The code is an associated
/// function of a generic type, so that there is one descriptor for each closure type.
#[repr(C)]
pub struct Descriptor {
    magic: u64,
    abi_version: u64,
    type_id: TypeId,
    build: BuildFn,
}

impl Descriptor {
    /// Describes the function that builds operators of type `Operator`.
    pub const fn new<Operator: 'static>(build: BuildFn) -> Self {
        Descriptor { magic: MAGIC, abi_version: ABI_VERSION, type_id: TypeId::of::<Operator>(), build }
    }

    /// Returns the function.
    pub fn build(&self) -> BuildFn {
        self.build
    }

    fn type_hash(&self) -> u64 {
        // The hasher has zero keys, so the hash is the same in every process that runs this file.
        let mut hasher = DefaultHasher::new();
        self.type_id.hash(&mut hasher);
        hasher.finish()
    }
}

/// The name of code across processes that run the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeName {
    /// The file that holds the code.
    pub object: ObjectHash,
    /// Bytes from the file's load address to the descriptor.
    pub offset: u64,
    /// The hash of the operator's type.
    pub type_hash: u64,
}

/// Names a descriptor of this process.
///
/// # Errors
/// When the object file that holds it cannot be identified, for instance because it was replaced on disk.
pub fn code_name(descriptor: &'static Descriptor) -> Result<CodeName, CodeError> {
    let address = std::ptr::from_ref(descriptor) as usize;
    let object = objects::containing(address)?;
    Ok(CodeName {
        object: object.hash()?,
        offset: (address - object.base()) as u64,
        type_hash: descriptor.type_hash(),
    })
}

/// Finds the descriptor that another process named, after checking that it is one.
///
/// # Errors
/// When this process has no such object, or there is no descriptor of that type at that place.
pub fn resolve(name: &CodeName) -> Result<&'static Descriptor, CodeError> {
    let object = objects::with_hash(&name.object)?;
    let garbage = |what| CodeError::NotADescriptor { offset: name.offset, what };
    let offset = usize::try_from(name.offset).map_err(|_| garbage("the offset is out of bounds"))?;
    if !object.holds(offset, size_of::<Descriptor>()) {
        return Err(garbage("the offset is out of bounds"));
    }
    let address = object.base() + offset;
    if !address.is_multiple_of(align_of::<Descriptor>()) {
        return Err(garbage("the offset is not aligned"));
    }
    let header = address as *const [u64; 2];
    // SAFETY: `holds` says that these bytes lie within a readable loaded segment of an object that is never unloaded (we
    // never close what we have seen), and the address is aligned. Plain integers have no invalid values.
    let [magic, abi_version] = unsafe { header.read() };
    if magic != MAGIC {
        return Err(garbage("the magic number is missing"));
    }
    if abi_version != ABI_VERSION {
        return Err(garbage("it has another version"));
    }
    // SAFETY: in bounds, aligned, and marked as a descriptor of this version by an object with the very bytes that the
    // sender's has. Only `Descriptor::new` writes the mark, into immutable static data.
    let descriptor = unsafe { &*(address as *const Descriptor) };
    if descriptor.type_hash() != name.type_hash {
        return Err(garbage("it describes code of another type"));
    }
    Ok(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Doubler<F>(std::marker::PhantomData<F>);

    impl<F: Fn(u8) -> u8 + crate::Plain> Doubler<F> {
        const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

        fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
            // SAFETY: only `descriptor_of`, which holds an F, names this function.
            let f = unsafe { crate::ZeroSized::<F>::instantiate() }.get();
            Ok(Arc::new(f(args.environment[0])))
        }
    }

    fn descriptor_of<F: Fn(u8) -> u8 + crate::Plain>(_: F) -> &'static Descriptor {
        Doubler::<F>::DESCRIPTOR
    }

    fn call(descriptor: &Descriptor, x: u8) -> u8 {
        let args = BuildArgs { rdd: RddId(0), site: &CallSite::default(), environment: &[x], inputs: vec![] };
        *descriptor.build()(args).unwrap().downcast_ref().unwrap()
    }

    #[test]
    fn a_name_leads_back_to_its_own_closure() {
        let (inc, dec) = (descriptor_of(|x| x + 1), descriptor_of(|x| x - 1));
        assert_eq!(call(resolve(&code_name(inc).unwrap()).unwrap(), 7), 8);
        assert_eq!(call(resolve(&code_name(dec).unwrap()).unwrap(), 7), 6);
    }

    #[test]
    fn closures_with_equal_bodies_keep_their_own_types() {
        let (a, b) = (descriptor_of(|x| x + 3), descriptor_of(|x| x + 3));
        assert_ne!(code_name(a).unwrap().type_hash, code_name(b).unwrap().type_hash);
    }

    #[test]
    fn no_offset_of_the_whole_file_gets_past_the_checks_but_the_right_one() {
        let name = code_name(descriptor_of(|x| x + 5)).unwrap();
        let around = name.offset.saturating_sub(1 << 16)..name.offset + (1 << 16);
        for offset in around.chain([0, 1, 8, u64::MAX, u64::MAX / 2, i64::MAX as u64]) {
            let found = resolve(&CodeName { offset, ..name });
            assert_eq!(found.is_ok(), offset == name.offset, "offset {offset}");
        }
    }

    #[test]
    fn another_file_is_refused_by_its_hash() {
        let name = code_name(descriptor_of(|x| x + 6)).unwrap();
        let text = resolve(&CodeName { object: ObjectHash([1; 32]), ..name }).err().unwrap().to_string();
        assert!(text.contains(&ObjectHash([1; 32]).to_string()), "{text}");
        assert!(text.contains(&name.object.to_string()), "{text}");
    }
}
