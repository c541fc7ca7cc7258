use arrow::array::Int64Array;
use arrow::datatypes::Int64Type;

use super::*;

fn stage(shares: &[u32]) -> AssignSplits {
    AssignSplits::new(shares.iter().map(|share| NonZeroU32::new(*share).unwrap()), Keys::Row)
}

#[test]
fn each_split_owns_as_many_buckets_as_its_share_in_order() {
    let splits: Vec<usize> = (0..6).map(|key| stage(&[2, 1, 3]).split_of(key)).collect();
    assert_eq!(splits, [0, 0, 1, 2, 2, 2]);
    let large = stage(&[u32::MAX, u32::MAX]);
    assert_eq!(large.split_of(u64::from(u32::MAX) - 1), 0);
    assert_eq!(large.split_of(u64::from(u32::MAX)), 1);
}

#[test]
fn rows_are_sorted_by_split_and_keep_their_order() {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
    let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
    let sorted = stage(&[2, 1]).assign(&batch).unwrap();
    let values = sorted.column(0).as_primitive::<Int64Type>().values();
    let splits = sorted.column(1).as_primitive::<UInt32Type>().values();
    assert!(splits.is_sorted());
    let num_train = splits.partition_point(|split| *split == 0);
    assert!((600..730).contains(&num_train), "{num_train}");
    for rows in [&values[..num_train], &values[num_train..]] {
        assert!(rows.is_sorted());
    }
    let mut all = values.to_vec();
    all.sort_unstable();
    assert_eq!(all, (0..1000).collect::<Vec<i64>>());
}
