//! A set of primary keys, stored as ranges, which is compact for consecutive keys.

/// A set of imported primary keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeySet(Vec<(i64, i64)>);

impl KeySet {
    /// Creates the set from inclusive ranges in any order.
    pub(super) fn new(mut ranges: Vec<(i64, i64)>) -> Self {
        ranges.sort_unstable();
        Self(ranges)
    }

    /// Creates the set from keys in ascending order.
    pub(super) fn of_keys(keys: &[i64]) -> Self {
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for key in keys {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(*key) => *last = *key,
                _ => ranges.push((*key, *key)),
            }
        }
        Self(ranges)
    }

    /// Whether the set contains a key.
    pub(super) fn has(&self, key: i64) -> bool {
        let next = self.0.partition_point(|(first, _)| *first <= key);
        // Imports never produce a range inside an earlier one, so checking the nearest range suffices.
        next.checked_sub(1).is_some_and(|place| self.0[place].1 >= key)
    }

    /// The number of keys.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| first.abs_diff(*last).saturating_add(1)).sum()
    }

    /// The ranges.
    pub(super) fn ranges(&self) -> &[(i64, i64)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::KeySet;

    #[test]
    fn consecutive_keys_form_one_range() {
        let keys = KeySet::of_keys(&[1, 2, 3, 7, 9, 10, i64::MAX]);
        assert_eq!(keys.ranges(), [(1, 3), (7, 7), (9, 10), (i64::MAX, i64::MAX)]);
        for key in [1, 2, 3, 7, 9, 10, i64::MAX] {
            assert!(keys.has(key), "{key}");
        }
        for key in [i64::MIN, 0, 4, 8, 11] {
            assert!(!keys.has(key), "{key}");
        }
        assert_eq!((keys.count(), KeySet::default().count()), (7, 0));
        assert!(!KeySet::default().has(1));
        assert!(KeySet::new(vec![(7, 9), (1, 3)]).has(2));
    }
}
