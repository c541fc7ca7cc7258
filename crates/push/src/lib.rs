//! Publishes a servable as a numbered version of a serving directory.
