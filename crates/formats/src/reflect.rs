//! Messages by the names of their fields, for whoever does not know them beforehand.

use prost::{Message, Name};
use prost_reflect::DynamicMessage;
pub use prost_reflect::{
    DynamicMessage as Fields, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value,
};

use crate::text;

/// Returns what fields messages of a type have.
pub fn descriptor<M: Name>() -> MessageDescriptor {
    text::descriptor::<M>()
}

/// Returns a message with its fields by name.
pub fn fields<M: Message + Name>(message: &M) -> Fields {
    DynamicMessage::decode(text::descriptor::<M>(), message.encode_to_vec().as_slice())
        .expect("a message decodes from its own encoding")
}
