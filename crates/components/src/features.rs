//! Feature types, as the crates below name them and as checks pass them on.

use artifact::{FeatureInfo, FeatureKind};
use formats::metadata::FeatureType as SchemaType;

/// Returns the kind of a dataset's feature type.
pub(crate) fn of_dataset(feature_type: dataset::FeatureType) -> FeatureKind {
    match feature_type {
        dataset::FeatureType::Int => FeatureKind::Int,
        dataset::FeatureType::Float => FeatureKind::Float,
        dataset::FeatureType::Bytes => FeatureKind::Bytes,
        dataset::FeatureType::Struct => FeatureKind::Struct,
    }
}

/// Returns the kind of a schema's feature type.
pub(crate) fn of_schema(feature_type: SchemaType) -> Option<FeatureKind> {
    match feature_type {
        SchemaType::TypeUnknown => None,
        SchemaType::Bytes => Some(FeatureKind::Bytes),
        SchemaType::Int => Some(FeatureKind::Int),
        SchemaType::Float => Some(FeatureKind::Float),
        SchemaType::Struct => Some(FeatureKind::Struct),
    }
}

/// Returns the features of a schema.
pub(crate) fn of_whole_schema(schema: &formats::metadata::Schema) -> Vec<FeatureInfo> {
    let lists = schema.feature.iter().map(schema::is_list);
    let info = |((name, feature_type), is_list)| FeatureInfo {
        name,
        kind: of_schema(feature_type),
        is_list,
        num_buckets: None,
        note: None,
    };
    schema::feature_types(schema).into_iter().zip(lists).map(info).collect()
}
