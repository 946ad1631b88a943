//! Language models that may be used with the operator's key, with their prices.

use std::str::FromStr;

use service::governance::setting::Price;

/// A model that organizations may use with the operator's key, at the operator's price.
#[derive(Clone, Debug, PartialEq)]
pub struct AllowedModel {
    /// The model name, as the provider spells it.
    pub name: String,
    /// The price.
    pub price: Price,
}

impl FromStr for AllowedModel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            "must be a model with its prices in US dollars per million tokens, MODEL=INPUT/OUTPUT or \
             MODEL=INPUT/OUTPUT/CACHED_INPUT, such as gpt-4o-mini=0.15/0.6/0.075"
                .to_owned()
        };
        let (name, prices) = text.rsplit_once('=').ok_or_else(wrong)?;
        let price =
            |text: &str| text.trim().parse().ok().filter(|price: &f64| (0.0..1e6).contains(price));
        let prices: Option<Vec<f64>> = prices.split('/').map(price).collect();
        let price = match prices.as_deref() {
            Some([input, output]) => Price { input: *input, output: *output, cached_input: None },
            Some([input, output, cached]) => {
                Price { input: *input, output: *output, cached_input: Some(*cached) }
            }
            _ => return Err(wrong()),
        };
        let name = name.trim();
        if name.is_empty() { Err(wrong()) } else { Ok(Self { name: name.to_owned(), price }) }
    }
}
