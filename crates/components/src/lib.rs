//! The standard components: where stages meet artifacts.
