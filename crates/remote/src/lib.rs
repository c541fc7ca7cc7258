//! Files of object stores (S3, Google Cloud Storage, Azure, HTTP): listed, and brought here.
