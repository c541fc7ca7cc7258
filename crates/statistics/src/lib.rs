//! Statistics of examples in one pass, as a DatasetFeatureStatisticsList.
