//! Reason codes: machine-readable reasons for which the server rejects a request.
//!
//! Error messages are for people and may change; a reason code is stable. Clients should compare the code and display
//! the message.

use serde::{Deserialize, Serialize};

use crate::enum_values::{EnumValue, enum_value};

/// Declares the reason codes: the Rust name, the stored name (from which the API name follows) and the description.
macro_rules! reasons {
    ($($(#[doc = $about:literal])+ $variant:ident = $name:literal;)+) => {
        /// Why the server rejects a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $about])+ #[serde(rename = $name)] $variant,)+
        }

        impl Reason {
            /// All codes, with their descriptions.
            pub const WORDS: &'static [EnumValue] = &[$(enum_value($name, concat!($($about),+).trim_ascii()),)+];

            /// The code in lower case: `revision_conflict`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The enum value in the API: `REVISION_CONFLICT`.
            #[must_use]
            pub fn code(self) -> String {
                self.name().to_ascii_uppercase()
            }
        }
    };
}

reasons! {
    // Values.
    /// The type or format of the value is invalid.
    ValueInvalid = "value_invalid";
    /// The value is required: it is missing, null or empty.
    ValueRequired = "value_required";
    /// The value is outside its limits.
    ValueOutOfRange = "value_out_of_range";
    /// The text has more characters than its maximum.
    TextTooLong = "text_too_long";
    /// The text contains a character that is not allowed: NUL, a control character, a line break.
    CharacterNotAllowed = "character_not_allowed";
    /// The value is not one of the allowed values.
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
    /// The value is not the URL of a profile.
    ProfileInvalid = "profile_invalid";
    /// The value is not a web address.
    UrlInvalid = "url_invalid";
    /// The country is not known.
    CountryUnknown = "country_unknown";
    /// The sum does not match its parts.
    SumMismatch = "sum_mismatch";
    /// The change, or a field of it, can't be reverted.
    ChangeNotRevertible = "change_not_revertible";
    /// A row can't be merged into itself.
    MergeWithItself = "merge_with_itself";

    // Lists.
    /// The filter has too many conditions, or is nested too deeply.
    FilterTooLarge = "filter_too_large";
    /// The field can't be used in a filter.
    FilterFieldUnknown = "filter_field_unknown";
    /// The sort order or the grouping is invalid.
    OrderInvalid = "order_invalid";
    /// The group key does not belong to the entity, is repeated, or is selected without being in `by`.
    GroupKeyInvalid = "group_key_invalid";
    /// Empty groups can't be filled: a range or a time bucket is missing, or another argument excludes it.
    FillInvalid = "fill_invalid";
    /// The search text is invalid.
    SearchTextInvalid = "search_text_invalid";
    /// The cursor does not belong to this list.
    CursorInvalid = "cursor_invalid";
    /// The cursor is older than the change log: refetch the current state and continue without a cursor.
    CursorExpired = "cursor_expired";

    // Rows.
    /// The row does not exist in the organization.
    RowNotFound = "row_not_found";
    /// The row is deleted: restore it first.
    RowDeleted = "row_deleted";
    /// The row was merged into another one.
    RowMerged = "row_merged";
    /// The row has been modified since it was read: reload it and retry.
    RevisionConflict = "revision_conflict";
    /// The idempotency key was already used with another input.
    IdempotencyKeyReused = "idempotency_key_reused";
    /// Another row has this value, and the field is unique.
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
    /// The type of the value does not match the type of the setting.
    SettingTypeMismatch = "setting_type_mismatch";
    /// The status transition is not allowed.
    TransitionNotAllowed = "transition_not_allowed";

    // Outreach.
    /// The status of the draft does not allow the action.
    DraftStatusConflict = "draft_status_conflict";
    /// The outcome of sending is unknown: a person or evidence of delivery must resolve it.
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
    /// The timestamp of the reply is earlier than the message.
    ReplyBeforeSent = "reply_before_sent";
    /// The draft belongs to another prospect.
    DraftOfOtherProspect = "draft_of_other_prospect";
    /// The syntax of the template is invalid.
    TemplateInvalid = "template_invalid";
    /// The template has a variable that is neither known nor declared.
    TemplateVariableUnknown = "template_variable_unknown";
    /// A variable of the template has no value.
    TemplateVariableMissing = "template_variable_missing";

    // Imports and enrichment.
    /// The status of the import job does not allow the action.
    ImportStatusConflict = "import_status_conflict";
    /// The import job has no records to process.
    ImportEmpty = "import_empty";
    /// The import must be committed first.
    ImportNotCommitted = "import_not_committed";
    /// The decision is not allowed for this record.
    DecisionInvalid = "decision_invalid";
    /// The values of the record are invalid.
    RecordInvalid = "record_invalid";
    /// The file can't be read.
    FileInvalid = "file_invalid";
    /// The workbook has no such sheet.
    SheetUnknown = "sheet_unknown";
    /// The column mapping does not match the file.
    MappingInvalid = "mapping_invalid";
    /// No prospects are selected.
    NoProspects = "no_prospects";
    /// The provider is not configured on this server.
    ProviderUnavailable = "provider_unavailable";
    /// The settings of the organization do not allow this provider.
    ProviderMisconfigured = "provider_misconfigured";
    /// There is no active template from which to write a draft.
    TemplateMissing = "template_missing";
    /// Another import into the organization is in progress.
    ImportRunning = "import_running";

    // Access.
    /// An API key or a session is required.
    KeyRequired = "key_required";
    /// The API key is invalid, revoked or expired.
    KeyRejected = "key_rejected";
    /// The session has ended: sign in again.
    SessionRejected = "session_rejected";
    /// A signed-in user is required; an API key is not enough.
    SessionRequired = "session_required";
    /// The origin of the page is not allowed to send requests with a session.
    OriginNotAllowed = "origin_not_allowed";
    /// Signing in requires HTTPS, or a loopback address.
    OriginInsecure = "origin_insecure";
    /// The e-mail address or the password is wrong.
    SignInRejected = "sign_in_rejected";
    /// Too many attempts to sign in have failed: retry later.
    SignInLocked = "sign_in_locked";
    /// There have been too many requests of this kind: retry later.
    TooManyRequests = "too_many_requests";
    /// An API key, a session, a user or an address has used up its quota of requests.
    RateLimitExceeded = "rate_limit_exceeded";
    /// The account is suspended.
    AccountSuspended = "account_suspended";
    /// The account is not an active member of the organization.
    MembershipMissing = "membership_missing";
    /// The link is invalid, was already used, or has expired.
    LinkInvalid = "link_invalid";
    /// The setup code is wrong, was already used, or has expired.
    SetupCodeRejected = "setup_code_rejected";
    /// The password is too short, too long, or contains the e-mail address.
    PasswordNotAllowed = "password_not_allowed";
    /// The user already is a member of the organization.
    MemberExists = "member_exists";
    /// The caller is not a member of the organization: the local user, or the command line.
    MemberRequired = "member_required";
    /// Only the author of the row can do this.
    AuthorOnly = "author_only";
    /// The status of the membership does not allow the action.
    MemberStatusConflict = "member_status_conflict";
    /// A value that must be unique is not available to a member with the role `RESTRICTED`, because a row that the member does
    /// not see has it.
    ValueNotAvailable = "value_not_available";
    /// The server sends no mail.
    MailNotConfigured = "mail_not_configured";
    /// The organization must keep at least one active owner.
    LastOwner = "last_owner";
    /// The role of the caller lacks the permission.
    PermissionMissing = "permission_missing";
    /// Only the operator of the server may read this.
    OperatorOnly = "operator_only";
    /// The user is suspended or deleted, belongs to another organization, or has a weaker role.
    UserNotAllowed = "user_not_allowed";
    /// The name of the actor is malformed or was sent together with an API key.
    ActorInvalid = "actor_invalid";

    // Requests.
    /// The document has a syntax error.
    DocumentSyntax = "document_syntax";
    /// The document does not match the schema, or the variables do not match the document.
    DocumentInvalid = "document_invalid";
    /// The operation exceeds a limit of the server, such as query cost or depth.
    OperationTooComplex = "operation_too_complex";
    /// The result has more rows, objects or bytes than the maximum.
    ResultTooLarge = "result_too_large";
    /// The database statement timed out.
    DatabaseTimeout = "database_timeout";
    /// Introspection is disabled.
    IntrospectionDisabled = "introspection_disabled";
    /// The request is malformed.
    RequestInvalid = "request_invalid";
    /// The result can't be exported as a table.
    TableNotPossible = "table_not_possible";
    /// The client accepts none of the available response formats.
    NotAcceptable = "not_acceptable";
    /// The HTTP method is not allowed for this operation.
    MethodNotAllowed = "method_not_allowed";
    /// The server does not have the document with this hash: send the document once.
    PersistedQueryNotFound = "persisted_query_not_found";
    /// The WebSocket connection has reached its maximum of concurrent operations.
    TooManyOperations = "too_many_operations";
    /// The server is busy: retry with backoff.
    ServerBusy = "server_busy";
    /// The request took longer than its timeout.
    RequestTimeout = "request_timeout";
    /// The database can't be reached: retry with backoff.
    DatabaseUnavailable = "database_unavailable";
    /// The server has failed; the server log has details under the request ID.
    InternalError = "internal_error";

    // The command line.
    /// An option of the server or of a command is invalid.
    ConfigurationInvalid = "configuration_invalid";
    /// The state of the database or of one of its files does not allow the command.
    DatabaseConflict = "database_conflict";
    /// The source of a data migration can't be migrated.
    SourceInvalid = "source_invalid";
}
