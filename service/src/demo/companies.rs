//! Companies of the demo data.

use engine::value::Value;
use fastrand::Rng;

use super::{
    rows::{Story, at, slug, text},
    words,
};
use crate::crm;

impl Story {
    pub(super) fn company_name(number: i64) -> (String, usize) {
        let first = at(&words::COMPANY_FIRST, number);
        // Each 1,000 companies contain each pair of parts once, and consecutive companies differ in both parts.
        let (second, industry) = at(&words::COMPANY_SECOND, number / 50 + number);
        let city = number / 1_000;
        let round = city / i64::try_from(words::CITIES.len()).unwrap_or(1);
        let name = match (city, round) {
            (0, _) => format!("{first} {second}"),
            (_, 0) => format!("{first} {second} {}", at(&words::CITIES, city)),
            _ => format!("{first} {second} {} {}", at(&words::CITIES, city), round + 1),
        };
        (name, industry)
    }

    pub(super) fn company_domain(number: i64) -> String {
        format!("{}.example", slug(&Self::company_name(number).0))
    }

    pub(super) fn companies(&self) -> impl Iterator<Item = Vec<Value>> {
        (0..self.scale.companies()).map(|number| {
            let mut rng = Rng::with_seed(number.cast_unsigned() ^ 0xC0);
            let (name, industry) = Self::company_name(number);
            let domain = Self::company_domain(number);
            let size = if self.is_large(number) { 4 } else { rng.usize(..5) };
            let days = if self.is_year() { 366..396 } else { 200..390 };
            let made = self.days_ago(rng.i64(days), &mut rng);
            let industry = i64::try_from(industry).unwrap_or_default();
            let [country, employees, phone] = self.company_details(number, size);
            let cells = [
                ("name", text(name)),
                ("industry_id", Value::Int(self.first.industries + industry)),
                ("size", text(words::SIZES[size])),
                ("website", text(format!("https://www.{domain}"))),
                ("domain", text(domain)),
                ("country", country),
                ("employee_count", employees),
                ("phone", phone),
            ];
            self.with(crm::company::rules(), self.first.companies + number, made, cells)
        })
    }

    /// Country, number of employees and phone number of a company. The numbers are reserved for fiction.
    fn company_details(&self, number: i64, size: usize) -> [Value; 3] {
        if !self.is_year() {
            return [Value::Null, Value::Null, Value::Null];
        }
        let mut rng = Rng::with_seed(number.cast_unsigned() ^ 0xDE7A);
        let country = at(&["DE", "DE", "AT", "DE", "CH"], number);
        let employees = [1..11, 11..51, 51..251, 251..1_001, 1_001..9_000][size].clone();
        let phone = text(format!("+4930231250{:02}", number % 100));
        let is_known = rng.u8(..5) != 0;
        [
            text(country),
            if is_known { Value::Int(rng.i64(employees)) } else { Value::Null },
            if country == "DE" { phone } else { Value::Null },
        ]
    }

    /// Number of companies that share a fifth of all prospects.
    fn large_companies(&self) -> i64 {
        (self.scale.companies() / 1_000).max(2)
    }

    fn is_large(&self, company: i64) -> bool {
        company % (self.scale.companies() / self.large_companies()) == 7
    }

    pub(super) fn company_of(&self, prospect: i64) -> i64 {
        let (companies, large) = (self.scale.companies(), self.large_companies());
        if prospect % 5 == 4 {
            (prospect / 5 % large) * (companies / large) + 7
        } else {
            // A step coprime to the number of companies visits all of them.
            (prospect - prospect / 5) * 7_919 % companies
        }
    }
}
