//! Broadcast variables: a value that is sent once to each executor, and read by all its tasks.
//!
//! The driver encodes the value and drops it. Every reader, the driver among them, decodes it from those bytes:
//! a task never shares memory with the driver's program, and a local run behaves as a cluster does.
//!
//! A handle that a closure's environment holds is *captured* when the environment is encoded ([`capture`]): the
//! code then keeps the value alive, and an action can refuse a destroyed one before it starts. When an executor
//! decodes the environment ([`Receiving`]), the handle is tied to the values that this executor has.

use crate::watch;
use firesteel_data::block::decode_value;
use firesteel_data::{DataError, memory_size};
use firesteel_storage::broadcasts::{BroadcastError, Broadcasts, Value};
use firesteel_types::{BroadcastId, CallSite, TaskFailure};
use parking_lot::{Mutex, MutexGuard};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A read-only value that is sent once to each executor, instead of with each stage. Made by
/// [`Context::broadcast`](https://docs.rs/firesteel/latest/firesteel/struct.Context.html#method.broadcast), whose documentation shows
/// it at work. May be read like the value itself, and may be anywhere in what a closure is given.
pub struct Broadcast<T> {
    id: BroadcastId,
    end: End,
    value: OnceLock<Arc<T>>,
}

enum End {
    Driver(Arc<Owner>),
    Executor(Arc<Broadcasts>),
    /// Decoded where no executor receives a plan.
    Nowhere,
}

/// The driver's side: when the last handle and the last closure that holds one are gone, the value is removed
/// everywhere.
pub struct Owner {
    /// The variable's id.
    pub id: BroadcastId,
    /// The application that it belongs to.
    pub application: u64,
    /// The place in the program where it was made.
    pub site: CallSite,
    broadcasts: Arc<Broadcasts>,
    /// The driver's own copy.
    value: Mutex<Option<Value>>,
    destroyed: OnceLock<CallSite>,
}

impl Owner {
    /// The owner of a value that `broadcasts` has.
    pub fn new(id: BroadcastId, application: u64, site: CallSite, broadcasts: Arc<Broadcasts>) -> Arc<Self> {
        let (value, destroyed) = (Mutex::default(), OnceLock::new());
        Arc::new(Owner { id, application, site, broadcasts, value, destroyed })
    }

    /// The place where it was destroyed, if it was.
    pub fn destroyed(&self) -> Option<&CallSite> {
        self.destroyed.get()
    }

    fn value(&self) -> MutexGuard<'_, Option<Value>> {
        self.value.lock()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.broadcasts.remove(self.id);
    }
}

impl<T> Clone for Broadcast<T> {
    fn clone(&self) -> Self {
        let end = match &self.end {
            End::Driver(owner) => End::Driver(owner.clone()),
            End::Executor(broadcasts) => End::Executor(broadcasts.clone()),
            End::Nowhere => End::Nowhere,
        };
        Broadcast { id: self.id, end, value: self.value.clone() }
    }
}

impl<T> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broadcast variable {}", self.id)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Broadcast<T> {
    /// Makes the driver's first handle of a variable.
    #[doc(hidden)]
    pub fn of(owner: Arc<Owner>) -> Self {
        Broadcast { id: owner.id, end: End::Driver(owner), value: OnceLock::new() }
    }

    /// The variable's number.
    pub fn id(&self) -> u64 {
        self.id.0
    }

    /// Returns the value.
    ///
    /// # Panics
    /// When the variable was destroyed, or its bytes on disk are broken. In a task, the panic is the task's
    /// failure; the driver may ask [`Broadcast::try_value`].
    pub fn value(&self) -> &T {
        match self.try_value() {
            Ok(value) => value,
            Err(error) => match &self.end {
                End::Executor(_) => std::panic::resume_unwind(self.failure(error)),
                End::Driver(_) | End::Nowhere => panic!("{}", self.explain(&error)),
            },
        }
    }

    /// Returns the value, or why there is none.
    ///
    /// # Errors
    /// When the variable was destroyed, or its bytes on disk are broken.
    pub fn try_value(&self) -> Result<&T, BroadcastError> {
        if let End::Driver(owner) = &self.end
            && owner.destroyed().is_some()
        {
            return Err(BroadcastError::Destroyed);
        }
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let value = match &self.end {
            End::Driver(owner) => driver_value::<T>(owner)?,
            End::Executor(broadcasts) => broadcasts.value(self.id, decode::<T>)?,
            End::Nowhere => return Err(BroadcastError::Destroyed),
        };
        let value =
            value.downcast::<T>().expect("a broadcast variable is read with the type it was made with");
        Ok(self.value.get_or_init(|| value))
    }

    /// Makes executors forget the decoded value; a task that reads it later fetches and decodes it again.
    pub fn unpersist(&self) {
        if let End::Driver(owner) = &self.end {
            owner.broadcasts.unpersist(self.id);
        }
    }

    /// Removes the value from the driver and all executors. An action whose closures hold the variable is
    /// refused from now on, and the error says where it was destroyed.
    #[track_caller]
    pub fn destroy(&self) {
        if let End::Driver(owner) = &self.end {
            let at = std::panic::Location::caller();
            let _ = owner.destroyed.set(CallSite {
                operation: "destroy".into(),
                file: at.file().into(),
                line: at.line(),
                column: at.column(),
            });
            owner.broadcasts.remove(self.id);
            let value = owner.value().take();
            drop(value);
        }
    }

    fn explain(&self, error: &BroadcastError) -> String {
        match (&self.end, error) {
            (End::Driver(owner), BroadcastError::Destroyed) => {
                let by =
                    owner.destroyed().map_or_else(|| "with its context".into(), |site| format!("by {site}"));
                format!("broadcast variable {} was destroyed {by} and has no value any more", self.id)
            }
            (End::Nowhere, _) => format!(
                "broadcast variable {} can be read by the driver that made it and in the tasks of its closures, nowhere else",
                self.id
            ),
            (_, error) => format!("broadcast variable {} cannot be read: {error}", self.id),
        }
    }

    fn failure(&self, error: BroadcastError) -> Box<TaskFailure> {
        Box::new(TaskFailure::Operation {
            operation: format!("read broadcast variable {}", self.id),
            message: error.to_string(),
            site: watch::site().map_or_else(CallSite::default, |site| (*site).clone()),
            retryable: matches!(error, BroadcastError::Data(_)),
        })
    }
}

/// The driver's own copy, decoded once for all handles.
fn driver_value<T: Serialize + DeserializeOwned + Send + Sync + 'static>(
    owner: &Owner,
) -> Result<Value, BroadcastError> {
    let mut value = owner.value();
    if let Some(value) = &*value {
        return Ok(value.clone());
    }
    let (decoded, _) = decode::<T>(&owner.broadcasts.bytes(owner.id)?)?;
    *value = Some(decoded.clone());
    Ok(decoded)
}

fn decode<T: Serialize + DeserializeOwned + Send + Sync + 'static>(
    bytes: &[u8],
) -> Result<(Value, usize), DataError> {
    let value: T = decode_value(bytes)?;
    let size = memory_size(&value);
    Ok((Arc::new(value), size))
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Deref for Broadcast<T> {
    type Target = T;

    /// Returns [`Broadcast::value`].
    fn deref(&self) -> &T {
        self.value()
    }
}

impl<T> Serialize for Broadcast<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let End::Driver(owner) = &self.end {
            CAPTURED.with_borrow_mut(|captured| {
                if let Some(captured) = captured {
                    captured.push(owner.clone());
                }
            });
        }
        self.id.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Broadcast<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = BroadcastId::deserialize(deserializer)?;
        let end = RECEIVING.with_borrow(|receiving| receiving.clone().map_or(End::Nowhere, End::Executor));
        Ok(Broadcast { id, end, value: OnceLock::new() })
    }
}

thread_local! {
    /// The handles that were encoded since [`capture`] began on this thread.
    static CAPTURED: RefCell<Option<Vec<Arc<Owner>>>> = const { RefCell::new(None) };
    /// The values of the executor whose plan is decoded on this thread.
    static RECEIVING: RefCell<Option<Arc<Broadcasts>>> = const { RefCell::new(None) };
}

/// Encodes something, and returns the broadcast variables that it holds.
pub(crate) fn capture<R>(encode: impl FnOnce() -> R) -> (R, Vec<Arc<Owner>>) {
    let before = CAPTURED.replace(Some(vec![]));
    let encoded = encode();
    let captured = CAPTURED.replace(before).unwrap_or_default();
    (encoded, captured)
}

/// Ties the handles that are decoded on this thread to an executor's values, while it lives.
pub struct Receiving(Option<Arc<Broadcasts>>);

impl Receiving {
    /// Begins to decode for an executor.
    pub fn begin(broadcasts: &Arc<Broadcasts>) -> Self {
        Receiving(RECEIVING.replace(Some(broadcasts.clone())))
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        RECEIVING.set(self.0.take());
    }
}
