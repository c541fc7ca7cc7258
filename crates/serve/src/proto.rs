//! The messages of the protocols, as `build.rs` makes them of `proto/`.

#![allow(
    clippy::allow_attributes,
    clippy::all,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "generated"
)]

/// TensorFlow's tensors and signatures, package `tensorflow`.
pub(crate) mod tensorflow {
    include!(concat!(env!("OUT_DIR"), "/tensorflow.rs"));

    /// TensorFlow Serving's messages, package `tensorflow.serving`.
    pub(crate) mod serving {
        include!(concat!(env!("OUT_DIR"), "/tensorflow.serving.rs"));
    }
}

/// KServe's messages, package `inference`.
pub(crate) mod inference {
    include!(concat!(env!("OUT_DIR"), "/inference.rs"));
}

/// OpenTelemetry's messages, package `opentelemetry`.
pub(crate) mod opentelemetry {
    include!(concat!(env!("OUT_DIR"), "/opentelemetry.rs"));
}

/// gRPC's health messages, package `grpc.health.v1`.
pub(crate) mod health {
    include!(concat!(env!("OUT_DIR"), "/grpc.health.v1.rs"));
}
