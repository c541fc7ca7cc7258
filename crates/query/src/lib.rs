//! Rows of a query: SQL over any source, PostgreSQL, BigQuery.
