"""Writes `answers.json`: what tf.Transform 1.16.0 makes of some columns, expression by expression.

    python make.py > answers.json

The columns are made here, without a random number generator, so that they are the same everywhere. All examples are one
batch, as tf.Transform averages the L-moments of batches.
"""

import json
import math
import os
import sys
import tempfile

import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

N = 300


def mix(i, salt):
    """A number from 0 to 1 that looks random."""
    return math.modf(math.sin(i * 12.9898 + salt * 78.233) * 43758.5453)[0] % 1.0


def normal(i, salt):
    a, b = max(mix(i, salt), 1e-6), mix(i, salt + 0.5)
    return math.sqrt(-2 * math.log(a)) * math.cos(2 * math.pi * b)


def columns():
    heavy = [u * math.exp((0.3 if u > 0 else 0.1) * u * u) for u in (normal(i, 1) for i in range(N))]
    right = [math.exp(0.9 * normal(i, 2)) for i in range(N)]
    # Ties, and a key whose values are all equal.
    key = ['abcde'[int(mix(i, 3) * mix(i, 4) * 5)] for i in range(N)]
    key = ['' if k == 'e' else k for k in key]
    steps = [7.0 if key[i] == 'd' else round(4 * normal(i, 5)) / 2 for i in range(N)]
    word = ['%s%d' % ('xyz'[int(mix(i, 6) * 3)], int(30 * mix(i, 7) ** 3)) for i in range(N)]
    label = [int(mix(i, 8) * 3) if word[i][0] == 'x' else int(mix(i, 9) * 2) for i in range(N)]
    number = [int(20 * mix(i, 10) ** 2) - 3 for i in range(N)]
    weight = [round(8 * mix(i, 11)) / 4 for i in range(N)]
    f32 = lambda values: [float(tf.constant(v, tf.float32).numpy()) for v in values]
    return {
        'heavy': f32(heavy), 'right': f32(right), 'steps': f32(steps), 'weight': f32(weight),
        'key': key, 'word': word, 'label': label, 'number': number,
    }


def broadcast(value, like):
    return tf.fill(tf.shape(like), value)


def features(x):
    heavy, right, steps, key, word = x['heavy'], x['right'], x['steps'], x['key'], x['word']
    label, number, weight = x['label'], x['number'], x['weight']
    vectors = tf.stack([tf.cast(column, tf.float64) for column in (heavy, right, number)], axis=1)
    initial = lambda t: tf.strings.substr(t, 0, 1)
    tukey = lambda name, value: broadcast(value, name)
    return {
        'scale_to_gaussian(heavy)': tft.scale_to_gaussian(heavy),
        'scale_to_gaussian(right)': tft.scale_to_gaussian(right),
        'scale_to_gaussian(weight)': tft.scale_to_gaussian(weight),
        'tukey_location(heavy)': tukey(heavy, tft.tukey_location(heavy)),
        'tukey_scale(heavy)': tukey(heavy, tft.tukey_scale(heavy)),
        'tukey_h_left(heavy)': tukey(heavy, tft.tukey_h_params(heavy)[0]),
        'tukey_h_right(heavy)': tukey(heavy, tft.tukey_h_params(heavy)[1]),
        'tukey_location(right)': tukey(right, tft.tukey_location(right)),
        'tukey_scale(right)': tukey(right, tft.tukey_scale(right)),
        'tukey_h_left(right)': tukey(right, tft.tukey_h_params(right)[0]),
        'tukey_h_right(right)': tukey(right, tft.tukey_h_params(right)[1]),
        'sum(heavy)': broadcast(tft.sum(heavy), heavy),
        'sum(number)': broadcast(tft.sum(number), number),
        'quantile(steps, 0.5)': broadcast(tft.quantiles(steps, 2, 0.0001)[0, 0], steps),
        'quantile(right, 0.75)': broadcast(tft.quantiles(right, 4, 0.0001)[0, 2], right),
        'bucketize(right, 7, weights => weight)': tft.bucketize(right, 7, epsilon=0.0001, weights=weight),
        'apply_buckets_with_interpolation(steps, -2, -1, 0.5, 3)':
            tft.apply_buckets_with_interpolation(steps, [[-2.0, -1.0, 0.5, 3.0]]),
        'apply_buckets_with_interpolation(steps, 1)':
            tft.apply_buckets_with_interpolation(steps, [[1.0]]),
        'bucketize_with_interpolation(right, 5)':
            tft.apply_buckets_with_interpolation(right, tft.quantiles(right, 5, 0.0001)),
        'estimated_probability_density(weight)': tft.estimated_probability_density(weight),
        'estimated_probability_density(heavy, 12)': tft.estimated_probability_density(heavy, 12),
        'scale_to_z_score_per_key(steps, key)': tft.scale_to_z_score_per_key(steps, key),
        'scale_by_min_max_per_key(steps, key, -1, 3)':
            tft.scale_by_min_max_per_key(steps, key, output_min=-1, output_max=3),
        'scale_to_0_1_per_key(right, key)': tft.scale_to_0_1_per_key(right, key),
        'bucketize_per_key(right, key, 4)': tft.bucketize_per_key(right, key, 4, epsilon=0.0001),
        'vocabulary(word, weights => weight)': tft.compute_and_apply_vocabulary(word, weights=weight),
        'vocabulary(word, weights => weight, frequency_threshold => 5)':
            tft.compute_and_apply_vocabulary(word, weights=weight, frequency_threshold=5),
        'vocabulary(word, labels => label)': tft.compute_and_apply_vocabulary(word, labels=label),
        'vocabulary(word, labels => label, weights => weight, top_k => 9)':
            tft.compute_and_apply_vocabulary(word, labels=label, weights=weight, top_k=9),
        'vocabulary(word, labels => label, use_adjusted_mutual_info => true)':
            tft.compute_and_apply_vocabulary(word, labels=label, use_adjusted_mutual_info=True),
        'vocabulary(word, labels => label, min_diff_from_avg => 1.5, frequency_threshold => 1)':
            tft.compute_and_apply_vocabulary(
                word, labels=label, min_diff_from_avg=1.5, frequency_threshold=1),
        'vocabulary(word, top_k => 4, key => substring(word, 1, 1), coverage_top_k => 3)':
            tft.compute_and_apply_vocabulary(
                word, top_k=4, key_fn=lambda t: t[:1], coverage_top_k=3),
        # With labels and a key Beam cannot encode the information, which is a NumPy float.
        "vocabulary(word, labels => label, min_diff_from_avg => 'auto', frequency_threshold => 0.01)":
            tft.compute_and_apply_vocabulary(
                word, labels=label, min_diff_from_avg=None, frequency_threshold=0.01),
        'vocabulary(number, frequency_threshold => 1000)':
            tft.compute_and_apply_vocabulary(number, frequency_threshold=1000),
        **{f'list_get(histogram(heavy, 12), {i + 1})':
            broadcast(tft.histogram(heavy, 12)[0][i], heavy) for i in (0, 5, 6, 10)},
        **{f'list_get(histogram(weight), {i + 1})':
            broadcast(tft.histogram(weight)[0][i], weight) for i in (0, 2, 9)},
        **{f'list_get(covariance(list(heavy, right, number)), {3 * i + j + 1})':
            broadcast(tf.cast(tft.covariance(vectors, tf.float64)[i, j], tf.float32), heavy) for i, j in ((0, 0), (0, 1), (1, 2), (2, 0), (2, 2))},
        **{f'abs(list_get(pca(list(heavy, right, number), 2), {i + 1}))':
            tf.cast(tf.abs(tf.matmul(vectors, tft.pca(vectors, 2, tf.float64)))[:, i], tf.float32) for i in (0, 1)},
        "vocabulary(word, top_k => 6, reserved_tokens => '[PAD], x0,q')":
            tft.compute_and_apply_vocabulary(word, top_k=6, reserved_tokens=['[PAD]', 'x0', 'q']),
        'vocabulary(word, top_k => 8, fingerprint_shuffle => true)':
            tft.compute_and_apply_vocabulary(word, top_k=8, fingerprint_shuffle=True),
        'vocabulary(number, top_k => 12, num_oov_buckets => 3)':
            tft.compute_and_apply_vocabulary(number, top_k=12, num_oov_buckets=3),
    }


def main():
    raw = columns()
    types = {
        'heavy': tf.float32, 'right': tf.float32, 'steps': tf.float32, 'weight': tf.float32,
        'key': tf.string, 'word': tf.string, 'label': tf.int64, 'number': tf.int64,
    }
    metadata = dataset_metadata.DatasetMetadata(
        schema_utils.schema_from_feature_spec(
            {name: tf.io.FixedLenFeature([], dtype) for name, dtype in types.items()}))
    rows = [{name: values[i] for name, values in raw.items()} for i in range(N)]
    names = []

    def preprocessing_fn(inputs):
        made = features(inputs)
        names.extend(made)
        return {'f%d' % i: value for i, value in enumerate(made.values())}

    with tempfile.TemporaryDirectory() as temporary:
        with tft_beam.Context(temp_dir=temporary, desired_batch_size=N):
            (made, _), _ = ((rows, metadata) | tft_beam.AnalyzeAndTransformDataset(preprocessing_fn))
    count = len(set(names))
    plain = lambda value: value.item() if hasattr(value, 'item') else value
    answers = {
        name: [plain(row['f%d' % i]) for row in made] for i, name in enumerate(names[:count])
    }
    json.dump({'tensorflow_transform': tft.__version__, 'columns': raw, 'answers': answers}, sys.stdout, indent=None)
    print()


if __name__ == '__main__':
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    main()
