//! Notes on import jobs and records: reason codes with arguments, which become sentences when they are read.
//!
//! The columns `import_jobs.error`, `import_records.reason` and `import_records.last_error` hold notes as a JSON array of
//! arrays, each with the code and its arguments: `[["email_unreadable","ada(at)acme"]]`. Any other text was stored by
//! an earlier version or another system, and is read as one note with the code `legacy_text`.

use engine::enum_values::{EnumValue, enum_value};

/// Declares the codes: a name for Rust, the stored name, the sentence with `{0}`, `{1}` … for the arguments, and the
/// sentence without arguments that earlier versions stored, if there was one.
macro_rules! codes {
    ($($(#[doc = $about:literal])+ $variant:ident = $name:literal, $text:literal $(, was $old:literal)*;)+) => {
        /// A reason code of a note.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum NoteCode {
            $($(#[doc = $about])+ $variant,)+
        }

        impl NoteCode {
            /// All codes, with their descriptions.
            pub const WORDS: &'static [EnumValue] = &[$(enum_value($name, concat!($($about),+).trim_ascii()),)+];

            /// The stored name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            fn stored(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// The code of a sentence that an earlier version stored.
            fn of_sentence(sentence: &str) -> Option<Self> {
                $($(if sentence == $old { return Some(Self::$variant); })*)+
                None
            }
        }
    };
}

codes! {
    /// Text stored by an earlier version or another system.
    LegacyText = "legacy_text", "{0}";
    /// The row may describe an existing prospect. Arguments: the ID of the prospect, and the reason.
    PossibleMatch = "possible_match", "may be {0}: {1}";
    /// The row may describe the same person as an earlier row. Arguments: the position of the earlier row, and the reason.
    PossibleMatchInFile = "possible_match_in_file", "may be the person in {0}: {1}";
    /// The row describes the same person as an earlier row. Argument: the position of the earlier row.
    SamePerson = "same_person", "the same person as in {0}";
    /// Empty fields of the prospect are filled in. Argument: the names of the fields.
    FieldsFilled = "fields_filled", "fills in {0}";
    /// The row has no value that the prospect does not have.
    NothingNew = "nothing_new", "no new values", was "nothing new";
    /// A cell has several lines that look like rows: a quotation mark may be missing. Arguments: the first and the
    /// last line.
    QuoteUnclosed = "quote_unclosed",
        "lines {0} to {1} form a single cell that looks like several rows: check for an unclosed quotation mark";
    /// Text follows a closing quotation mark. Argument: the line.
    TextAfterQuote = "text_after_quote", "in line {0}, text follows a closing quotation mark";
    /// The row has more cells than the header row. Argument: the number of cells of the header row.
    TooManyCells = "too_many_cells", "the row has more cells than the header row ({0})";
    /// The row has no name.
    NameMissing = "name_missing", "the row has no name", was "there is no name";
    /// The row has no e-mail address.
    EmailMissing = "email_missing", "the row has no e-mail address", was "there is no e-mail address";
    /// The row has no company.
    CompanyMissing = "company_missing", "the row has no company", was "there is no company";
    /// The person has opted out of messages.
    OptedOut = "opted_out", "opted out of messages", was "opted out of messages";
    /// The value is not an e-mail address.
    EmailUnreadable = "email_unreadable", "`{0}` is not an e-mail address";
    /// The value is not a phone number, or it is a national number of an unknown country.
    PhoneUnreadable = "phone_unreadable", "`{0}` can't be read as a phone number";
    /// The value is not a LinkedIn profile.
    ProfileUnreadable = "profile_unreadable", "`{0}` is not a LinkedIn profile";
    /// The value is not the address of a website.
    WebsiteUnreadable = "website_unreadable", "`{0}` is not a website";
    /// The country is unknown, so phone numbers without a country code can't be read.
    CountryUnknown = "country_unknown", "the country `{0}` is unknown";
    /// The value is not a number.
    NumberUnreadable = "number_unreadable", "`{0}` is not a number of employees";
    /// The value of a field was omitted because it is too long. Arguments: the field, and the maximum length.
    ValueOmitted = "value_omitted", "`{0}` was omitted: it has more than {1} characters";
    /// The value of a required field is too long. Arguments: the field, and the maximum length.
    ValueTooLong = "value_too_long", "`{0}` has more than {1} characters";
    /// Further e-mail addresses of the row were omitted. Argument: their number.
    EmailsOmitted = "emails_omitted", "further e-mail addresses were omitted: {0}";
    /// Further phone numbers of the row were omitted. Argument: their number.
    PhonesOmitted = "phones_omitted", "further phone numbers were omitted: {0}";
    /// Further companies of the row were omitted. Argument: their number.
    CompaniesOmitted = "companies_omitted", "further companies were omitted: {0}";
    /// The extension of the phone number was omitted.
    ExtensionOmitted = "extension_omitted", "the extension {0} of the phone number was omitted";
    /// A user decided to skip the row.
    SkippedByDecision = "skipped_by_decision", "skipped by decision", was "left out by decision";
    /// The prospect no longer exists, or has not been created yet.
    ProspectMissing = "prospect_missing", "the prospect no longer exists or has not been created yet",
        was "nobody is there any more whom it could fill in",
        was "the prospect is not there any more, or none was made of it yet";
    /// The prospect was deleted while providers were called.
    ProspectDeleted = "prospect_deleted", "the prospect was deleted during enrichment",
        was "the prospect was deleted while providers were asked";
    /// The row was not undone, because the prospect was modified after the import.
    ProspectModified = "prospect_modified", "the prospect was modified after the import", was "it was touched since";
    /// A validation rule rejected the row. Argument: the reason.
    RowRejected = "row_rejected", "{0}";
    /// The job was undone while providers were called.
    JobUndone = "job_undone", "the job was undone during enrichment", was "it was taken back while providers were asked";
    /// Each attempt was interrupted.
    AttemptsInterrupted = "attempts_interrupted", "all attempts were interrupted", was "it was broken off each time";
    /// The preview was interrupted; the file must be uploaded again.
    PreviewInterrupted = "preview_interrupted", "the preview was interrupted: upload the file again",
        was "it could not be looked at to its end; bring it in again";
    /// An internal error ended the job or record; the log of the server has the details.
    InternalError = "internal_error", "internal error; see the server log for details",
        was "it was broken off by a mistake of ours", was "what was found could not be kept, by a mistake of ours";
    /// Some records of the job failed, and none was enriched.
    AllRecordsFailed = "all_records_failed",
        "no record was enriched; `lastError` and `providerMessage` of the failed records have the reasons",
        was "nothing came of any of its records; their `lastError` says why",
        was "nothing came of any of its records; their `lastError` and `providerMessage` say why",
        was "all records failed; their `lastError` and `providerMessage` have the reasons";
    /// The provider is not configured on this server. Argument: the provider.
    ProviderNotConfigured = "provider_not_configured",
        "{0} is not configured on this server; the job waits for a server with this provider";
    /// The daily spend limit is reached. Arguments: the spent amount, the limit, and the maximum cost of the next call,
    /// in US dollars.
    SpendLimitReached = "spend_limit_reached",
        "the daily spend limit is reached: {0} of {1} US dollars are spent, and the next call may cost {2}; the job resumes \
         tomorrow (UTC)";
    /// The daily spend limit that the organization has set is reached. Arguments: the same as those of
    /// `SPEND_LIMIT_REACHED`.
    SettingLimitReached = "setting_limit_reached",
        "the daily spend limit is reached: {0} of {1} US dollars are spent, and the next call may cost {2}; the job resumes \
         tomorrow (UTC); to resume it earlier, raise the setting daily_spend_limit and call resumeImportJob";
    /// The language model of the settings is not available. Argument: the provider of the model.
    ModelUnavailable = "model_unavailable",
        "the setting llm_provider is {0}, but no address is configured on the server for this provider (--llm-url)";
    /// The operator of the server does not allow the language model.
    ModelNotAllowed = "model_not_allowed",
        "the server does not allow the model {0}: start the server with `--llm-model {0}=INPUT/OUTPUT`, or choose another model in \
         the setting llm_model";
    /// The price of the language model is unknown.
    ModelPriceUnknown = "model_price_unknown",
        "the price of {0} is unknown: add it to the setting llm_prices, for example \
         {\"{0}\": {\"input\": 0.15, \"output\": 0.6}}, in US dollars per million tokens";
    /// The provider returned an HTTP error status. Arguments: the provider, and the status.
    ProviderStatus = "provider_status", "{0} answered with status {1}";
    /// The provider rejected the API key. Arguments: the provider, and the status.
    ProviderKeyRejected = "provider_key_rejected", "{0} answered with status {1}: check its API key";
    /// The address of the provider is wrong. Arguments: the provider, and the status.
    ProviderAddressWrong = "provider_address_wrong", "{0} answered with status {1}: check its address";
    /// The provider returned a redirect, and redirects are not followed. Arguments: the provider, and the status.
    ProviderRedirects = "provider_redirects", "{0} answered with status {1}; redirects are not followed";
    /// The budget at the provider is exhausted. Arguments: the provider, and the status.
    ProviderBudgetUsed = "provider_budget_used",
        "{0} answered with status {1}: the budget at the provider is exhausted; raise the budget, or retry the job after the budget is renewed";
    /// The provider did not respond in time.
    ProviderTimeout = "provider_timeout", "{0} did not respond in time";
    /// The provider can't be reached.
    ProviderUnreachable = "provider_unreachable", "{0} can't be reached";
    /// The connection to the provider was interrupted.
    ProviderConnectionLost = "provider_connection_lost", "the connection to {0} was interrupted";
    /// The response of the provider is too large.
    ProviderAnswerTooLarge = "provider_answer_too_large", "the response of {0} is too large";
    /// The response of the provider can't be parsed.
    ProviderAnswerUnreadable = "provider_answer_unreadable", "the response of {0} can't be parsed";
    /// The language model declined to answer.
    ProviderDeclined = "provider_declined", "{0} declined to answer";
    /// A content filter withheld the response.
    ProviderAnswerFiltered = "provider_answer_filtered", "a content filter withheld the response of {0}";
    /// The response was truncated. Arguments: the provider, and the maximum number of tokens.
    ProviderAnswerTruncated = "provider_answer_truncated",
        "the response of {0} was truncated after {1} tokens; request fewer variants, or use a model with less reasoning";
    /// A value of the prospect can't be used in the request URL of the provider. Argument: the provider.
    ProviderValueUnusable = "provider_value_unusable", "a value can't be used in the request URL of {0}";
}

/// A reason code with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The code.
    pub code: NoteCode,
    /// The arguments, in the order in which the description of the code lists them.
    pub arguments: Vec<String>,
}

impl Note {
    /// A note with arguments.
    #[must_use]
    pub fn new<const N: usize>(code: NoteCode, arguments: [&str; N]) -> Self {
        Self { code, arguments: arguments.map(str::to_owned).to_vec() }
    }

    /// The sentence, with the arguments inserted.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = String::new();
        let mut rest = self.code.text();
        while let Some(start) = rest.find('{') {
            let (before, place) = rest.split_at(start);
            message.push_str(before);
            let number = place.get(1..2).and_then(|digit| digit.parse::<usize>().ok());
            let number = number.filter(|_| place.get(2..3) == Some("}"));
            if let Some(argument) = number.and_then(|number| self.arguments.get(number)) {
                message.push_str(argument);
                rest = &place[3..];
            } else {
                message.push('{');
                rest = &place[1..];
            }
        }
        message + rest
    }

    /// The stored form of notes; `None` if there are no notes.
    pub(crate) fn stored(notes: &[Self]) -> Option<String> {
        let notes: Vec<Vec<&str>> = notes
            .iter()
            .map(|note| {
                let arguments = note.arguments.iter().map(String::as_str);
                [note.code.name()].into_iter().chain(arguments).collect()
            })
            .collect();
        (!notes.is_empty()).then(|| serde_json::Value::from(notes).to_string())
    }

    /// Reads stored notes.
    #[must_use]
    pub fn read(stored: &str) -> Vec<Self> {
        let notes: Option<Vec<Vec<String>>> = serde_json::from_str(stored).ok();
        let notes = notes.and_then(|notes| {
            let notes = notes.into_iter().map(|mut note| {
                let code = NoteCode::stored(note.first()?)?;
                note.remove(0);
                Some(Self { code, arguments: note })
            });
            notes.collect::<Option<Vec<Self>>>()
        });
        notes.unwrap_or_else(|| {
            vec![match NoteCode::of_sentence(stored) {
                Some(code) => Self::new(code, []),
                None => Self::new(NoteCode::LegacyText, [stored]),
            }]
        })
    }

    /// Stored notes as one text.
    #[must_use]
    pub fn sentences(stored: &str) -> String {
        Self::joined(&Self::read(stored))
    }

    /// Notes as one text.
    #[must_use]
    pub fn joined(notes: &[Self]) -> String {
        notes.iter().map(Self::message).collect::<Vec<_>>().join("; ")
    }
}

impl From<NoteCode> for Note {
    fn from(code: NoteCode) -> Self {
        Self::new(code, [])
    }
}

impl From<&str> for Note {
    /// A text of another system.
    fn from(text: &str) -> Self {
        Self::new(NoteCode::LegacyText, [text])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_stored() {
        let notes = vec![
            Note::new(NoteCode::EmailUnreadable, ["a;b [[\"x\"]]"]),
            Note::from(NoteCode::NothingNew),
        ];
        let stored = Note::stored(&notes).unwrap();
        assert_eq!(Note::read(&stored), notes);
        assert_eq!(
            Note::sentences(&stored),
            "`a;b [[\"x\"]]` is not an e-mail address; no new values"
        );
        assert_eq!(Note::stored(&[]), None);
    }

    #[test]
    fn sentences_of_earlier_versions_are_recognized_or_kept() {
        assert_eq!(Note::read("nothing new"), [Note::from(NoteCode::NothingNew)]);
        for text in ["a sentence; of old", "[[\"unknown_code\"]]", "[1]", ""] {
            assert_eq!(Note::read(text), [Note::new(NoteCode::LegacyText, [text])]);
            assert_eq!(Note::sentences(text), text);
        }
    }

    #[test]
    fn arguments_are_inserted_once() {
        let note = Note::new(NoteCode::ValueTooLong, ["{1}", "255"]);
        assert_eq!(note.message(), "`{1}` has more than 255 characters");
        let note = Note::new(NoteCode::ModelPriceUnknown, ["m"]);
        assert!(note.message().contains("{\"m\": {\"input\": 0.15, \"output\": 0.6}}"));
    }
}
