//! Reason codes: why the server rejects a request, for programs.
//!
//! Texts of errors are for people and change; a reason code is stable. A client compares the code, and shows the text.

use serde::{Deserialize, Serialize};

use crate::vocabulary::{Word, word};

/// Declares the codes: a name for Rust, the name that is stored and from which that of the API follows, a description.
macro_rules! reasons {
    ($($(#[doc = $about:literal])+ $variant:ident = $name:literal;)+) => {
        /// Why the server rejects a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $about])+ #[serde(rename = $name)] $variant,)+
        }

        impl Reason {
            /// All codes, with their descriptions.
            pub const WORDS: &'static [Word] = &[$(word($name, concat!($($about),+).trim_ascii()),)+];

            /// The code in lower case: `revision_conflict`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The code as the API spells it: `REVISION_CONFLICT`.
            #[must_use]
            pub fn code(self) -> String {
                self.name().to_ascii_uppercase()
            }
        }
    };
}

reasons! {
    // Values.
    /// The value has another type or form than the argument takes.
    ValueInvalid = "value_invalid";
    /// The value is required: it is missing, null or empty.
    ValueRequired = "value_required";
    /// The value is outside its limits.
    ValueOutOfRange = "value_out_of_range";
    /// The text has more characters than its maximum.
    TextTooLong = "text_too_long";
    /// The text has a character that it can't have: NUL, a control character, a line break.
    CharacterNotAllowed = "character_not_allowed";
    /// The value is none of those that are allowed.
    ValueUnknown = "value_unknown";
    /// There are more items than the maximum.
    TooManyItems = "too_many_items";
    /// The arguments exclude each other.
    ArgumentsExclusive = "arguments_exclusive";
    /// The value is not a global ID of the entity.
    IdInvalid = "id_invalid";
    /// The time zone is not in the time zone data.
    TimeZoneUnknown = "time_zone_unknown";
    /// The time range ends before it begins.
    TimeRangeInvalid = "time_range_invalid";
    /// The timestamp is in the future.
    TimeInFuture = "time_in_future";
    /// The timestamp is not in the future.
    TimeNotInFuture = "time_not_in_future";
    /// The value is not an e-mail address.
    EmailInvalid = "email_invalid";
    /// The value is not a phone number.
    PhoneInvalid = "phone_invalid";
    /// The value is not the address of a profile.
    ProfileInvalid = "profile_invalid";
    /// The value is not an address on the web.
    UrlInvalid = "url_invalid";
    /// The country is not known.
    CountryUnknown = "country_unknown";
    /// The sum does not match its parts.
    SumMismatch = "sum_mismatch";
    /// A row can't be merged into itself.
    MergeWithItself = "merge_with_itself";

    // Lists.
    /// The filter has too many conditions, or is nested too deeply.
    FilterTooLarge = "filter_too_large";
    /// The field can't be filtered by.
    FilterFieldUnknown = "filter_field_unknown";
    /// The sort order or the grouping is not possible.
    OrderInvalid = "order_invalid";
    /// The group key is not one of the entity, is repeated, or is selected without being in `by`.
    GroupKeyInvalid = "group_key_invalid";
    /// The groups can't be filled: a range or a time is missing, or another argument excludes it.
    FillInvalid = "fill_invalid";
    /// The search text can't be searched for.
    SearchTextInvalid = "search_text_invalid";
    /// The cursor does not belong to this list.
    CursorInvalid = "cursor_invalid";
    /// The cursor is older than the change log: read the state again and continue from now.
    CursorExpired = "cursor_expired";

    // Rows.
    /// The organization has no such row.
    RowNotFound = "row_not_found";
    /// The row is deleted: restore it first.
    RowDeleted = "row_deleted";
    /// The row was merged into another one.
    RowMerged = "row_merged";
    /// The row was changed since it was read: read it again.
    RevisionConflict = "revision_conflict";
    /// The idempotency key was used with another input.
    IdempotencyKeyReused = "idempotency_key_reused";
    /// Another row has this value, which is unique.
    ValueTaken = "value_taken";
    /// Another company has this domain.
    CompanyDomainTaken = "company_domain_taken";
    /// Another prospect has this e-mail address.
    ProspectEmailTaken = "prospect_email_taken";
    /// Another industry has this name.
    IndustryNameTaken = "industry_name_taken";
    /// Another setting has this key.
    SettingKeyTaken = "setting_key_taken";
    /// The company has prospects that are not deleted.
    CompanyHasProspects = "company_has_prospects";
    /// The industry has companies.
    IndustryHasCompanies = "industry_has_companies";
    /// The setting is built in and can't be deleted.
    SettingBuiltIn = "setting_built_in";
    /// The value has another type than the setting.
    SettingTypeMismatch = "setting_type_mismatch";
    /// The row can't change from its status to this one.
    TransitionNotAllowed = "transition_not_allowed";

    // Outreach.
    /// The status of the draft does not allow the action.
    DraftStatusConflict = "draft_status_conflict";
    /// The outcome of sending is unknown: a person or evidence of delivery must settle it.
    DraftOutcomeUncertain = "draft_outcome_uncertain";
    /// Another sender has an active claim on the draft.
    DraftClaimed = "draft_claimed";
    /// The caller has no active claim on the draft.
    ClaimNotHeld = "claim_not_held";
    /// The action needs a named person or worker.
    ActorUnnamed = "actor_unnamed";
    /// A draft that a worker wrote must be approved by a person.
    ApprovalNeedsPerson = "approval_needs_person";
    /// The draft was approved for another e-mail address of the prospect.
    RecipientChanged = "recipient_changed";
    /// The prospect is unsubscribed or deleted.
    RecipientUnreachable = "recipient_unreachable";
    /// The reply is earlier than the message.
    ReplyBeforeSent = "reply_before_sent";
    /// The draft is for another prospect.
    DraftOfOtherProspect = "draft_of_other_prospect";
    /// The text of the template is not well formed.
    TemplateInvalid = "template_invalid";
    /// The template has a variable that is neither known nor declared.
    TemplateVariableUnknown = "template_variable_unknown";
    /// A variable of the template has no value.
    TemplateVariableMissing = "template_variable_missing";

    // Imports and enrichment.
    /// The status of the import job does not allow the action.
    ImportStatusConflict = "import_status_conflict";
    /// The import job has no records to work on.
    ImportEmpty = "import_empty";
    /// The import must be committed first.
    ImportNotCommitted = "import_not_committed";
    /// The decision is not possible for this record.
    DecisionInvalid = "decision_invalid";
    /// The values of the record can't be read.
    RecordInvalid = "record_invalid";
    /// The file can't be read.
    FileInvalid = "file_invalid";
    /// The workbook has no such sheet.
    SheetUnknown = "sheet_unknown";
    /// The column mapping does not fit the file.
    MappingInvalid = "mapping_invalid";
    /// No prospects are selected.
    NoProspects = "no_prospects";
    /// The provider is not configured on this server.
    ProviderUnavailable = "provider_unavailable";
    /// The settings of the organization do not allow the provider to be used.
    ProviderMisconfigured = "provider_misconfigured";
    /// There is no active template to write by.
    TemplateMissing = "template_missing";
    /// Another import into the organization is running.
    ImportRunning = "import_running";

    // Access.
    /// An API key is required.
    KeyRequired = "key_required";
    /// The API key is wrong, revoked or expired.
    KeyRejected = "key_rejected";
    /// The role of the caller lacks the permission.
    PermissionMissing = "permission_missing";
    /// Only the operator of the server may read this.
    OperatorOnly = "operator_only";
    /// The user is suspended or deleted, belongs to another organization, or has a weaker role.
    UserNotAllowed = "user_not_allowed";
    /// The name of the actor is not well formed, or is sent beside an API key.
    ActorInvalid = "actor_invalid";

    // Requests.
    /// The document is not well formed.
    DocumentSyntax = "document_syntax";
    /// The document does not fit the schema, or the variables do not fit the document.
    DocumentInvalid = "document_invalid";
    /// The operation exceeds a limit of the server, such as query cost or depth.
    OperationTooComplex = "operation_too_complex";
    /// The result has more rows, objects or bytes than the maximum.
    ResultTooLarge = "result_too_large";
    /// The database took too long.
    DatabaseTimeout = "database_timeout";
    /// Introspection is switched off.
    IntrospectionDisabled = "introspection_disabled";
    /// The request is not well formed.
    RequestInvalid = "request_invalid";
    /// The result can't be written as a table.
    TableNotPossible = "table_not_possible";
    /// The response has no form that the client accepts.
    NotAcceptable = "not_acceptable";
    /// The HTTP method is not allowed for this operation.
    MethodNotAllowed = "method_not_allowed";
    /// The server does not know the document of this hash: send it once.
    PersistedQueryNotFound = "persisted_query_not_found";
    /// The socket runs as many operations as it may.
    TooManyOperations = "too_many_operations";
    /// The server is busy: retry with backoff.
    ServerBusy = "server_busy";
    /// The request took longer than its timeout.
    RequestTimeout = "request_timeout";
    /// The database can't be reached: retry with backoff.
    DatabaseUnavailable = "database_unavailable";
    /// The server has failed; the log of the server has more under the request id.
    InternalError = "internal_error";

    // The command line.
    /// An option of the server or of a command is not possible.
    ConfigurationInvalid = "configuration_invalid";
    /// The database or a file of it is in a state that does not allow the command.
    DatabaseConflict = "database_conflict";
    /// The source of a data migration can't be brought over.
    SourceInvalid = "source_invalid";
}
