//! Lower bounds of company sizes.

/// The smallest number of employees that a size means: the first number of the text, with thousands separators and the
/// suffixes `k` and `m`. `None` if the text has no number.
///
/// ```
/// use engine::normal_form::company_size::lower_bound;
///
/// assert_eq!(lower_bound("11-50"), Some(11));
/// assert_eq!(lower_bound("1,001–5,000 employees"), Some(1_001));
/// assert_eq!(lower_bound("10k+"), Some(10_000));
/// assert_eq!(lower_bound("< 10"), Some(0));
/// assert_eq!(lower_bound("enterprise"), None);
/// ```
#[must_use]
pub fn lower_bound(size: &str) -> Option<i64> {
    let characters: Vec<char> = size.chars().collect();
    let start = characters.iter().position(char::is_ascii_digit)?;
    let is_upper_bound = characters[..start].iter().any(|c| matches!(c, '<' | '≤'));
    if is_upper_bound {
        return Some(0);
    }
    let digits = |from: usize| characters[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut end = start + digits(start);
    let mut number: String = characters[start..end].iter().collect();
    let mut fraction = String::new();
    // A separator followed by exactly three digits separates thousands.
    while let Some(separator) = characters.get(end)
        && matches!(separator, ',' | '.' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}')
    {
        let group = digits(end + 1);
        let text = characters[end + 1..end + 1 + group].iter();
        if group == 3 {
            number.extend(text);
            end += 4;
        } else {
            if matches!(separator, ',' | '.') && group > 0 {
                fraction.extend(text);
                end += 1 + group;
            }
            break;
        }
    }
    let unit = characters[end..].iter().find(|c| **c != ' ').map(char::to_ascii_lowercase);
    let is_word = |at: usize| characters.get(at).is_some_and(|c| c.is_alphabetic());
    let place = end + characters[end..].iter().take_while(|c| **c == ' ').count();
    let factor = match unit {
        Some('k') if !is_word(place + 1) => 1_000.0,
        Some('m') if !is_word(place + 1) => 1_000_000.0,
        _ => 1.0,
    };
    let number: f64 = format!("{number}.{fraction}0").parse().ok()?;
    // The column is a 32-bit integer.
    #[expect(clippy::cast_possible_truncation, reason = "limited to the range of the type")]
    let bound = (number * factor).min(f64::from(i32::MAX)) as i64;
    Some(bound)
}

/// The number of employees, if the text is a number and not a range. `None` if it is another text.
///
/// ```
/// use engine::normal_form::company_size::exact;
///
/// assert_eq!(exact("1,250"), Some(1_250));
/// assert_eq!(exact("11-50"), None);
/// ```
#[must_use]
pub fn exact(size: &str) -> Option<i64> {
    let size = size.trim();
    let is_number = |c: char| c.is_ascii_digit() || ",.'’ \u{a0}\u{202f}".contains(c);
    let digits: String = size.chars().filter(char::is_ascii_digit).collect();
    let number = lower_bound(size)?;
    let is_whole = digits.parse() == Ok(number);
    (is_whole && size.starts_with(|c: char| c.is_ascii_digit()) && size.chars().all(is_number))
        .then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{exact, lower_bound};

    #[test]
    fn numbers_of_employees_are_exact() {
        for (size, number) in [
            ("250", Some(250)),
            (" 1.250 ", Some(1_250)),
            ("1 234 567", Some(1_234_567)),
            ("0", Some(0)),
            ("12.5", None),
            ("12 50", None),
            ("50+", None),
            ("1k", None),
            ("-5", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(exact(size), number, "{size}");
        }
    }

    #[test]
    fn sizes_have_the_lower_bound_of_their_first_number() {
        for (size, bound) in [
            ("1-10", Some(1)),
            ("51 – 250", Some(51)),
            ("1.000-5.000", Some(1_000)),
            ("1 001 à 5 000 salariés", Some(1_001)),
            ("10'001+", Some(10_001)),
            ("1.5k", Some(1_500)),
            ("2 M", Some(2_000_000)),
            ("12 Mitarbeiter", Some(12)),
            ("3 kids", Some(3)),
            (">500", Some(500)),
            ("≤ 9", Some(0)),
            ("2,5", Some(2)),
            ("99999999999999999999", Some(i64::from(i32::MAX))),
            ("small", None),
            ("", None),
            ("٣", None),
        ] {
            assert_eq!(lower_bound(size), bound, "{size}");
        }
    }
}
