//! Parsing of a document and conversion to the types of the executing library.
//!
//! async-graphql's own parser is not used: it keeps the backslash of `\"""` in block strings, rejects `\u{…}` and
//! surrogate pairs, and accepts documents that the grammar does not allow.

use std::collections::HashMap;

use apollo_compiler::{
    Node, ast,
    parser::{Parser, SourceMap, SourceSpan},
};
use async_graphql::{
    Name, Pos, Positioned,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition,
        FragmentSpread, InlineFragment, OperationDefinition, OperationType, Selection,
        SelectionSet, Type, TypeCondition, VariableDefinition,
    },
};
use async_graphql_value::{Number, Value};

use super::{Refusal, limits::MAX_WALK_DEPTH, quoted, scan::Fault, validate};

/// The error code of a syntax error.
const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";

/// Parses a document.
///
/// # Errors
/// `GRAPHQL_PARSE_FAILED` on a syntax error.
pub(super) fn parse(text: &str) -> Result<ast::Document, Refusal> {
    // The nesting of brackets is checked before parsing, so this limit is never reached.
    let mut parser = Parser::new().recursion_limit(MAX_WALK_DEPTH as usize * 4);
    let document = parser.parse_ast(text, "document.graphql");
    document.map_err(|invalid| {
        let mut refusal = validate::refusal(PARSE_FAILED, invalid.errors.iter());
        // Further errors are consequences of the first one.
        refusal.errors.truncate(1);
        refusal
    })
}

/// The rejection of a document with a syntax error at the byte offset `place`.
pub(super) fn fault(text: &str, place: usize, fault: Fault) -> Refusal {
    let before = text.get(..place).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message = match fault {
        Fault::MissingColon => {
            let name = text.get(place..).unwrap_or_default();
            let name = name.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
            format!("syntax error: expected a colon after `{}`", quoted(name.unwrap_or_default()))
        }
        Fault::EmptySelection => "syntax error: expected at least one selection".to_owned(),
    };
    Refusal::new(PARSE_FAILED, message, Some(Pos { line, column }))
}

/// Converts a parsed document to the types of the executing library. Only one of several duplicate definitions
/// is kept; the validator rejects such documents.
///
/// # Errors
/// If the document has definitions other than operations and fragments.
pub(super) fn executable(document: &ast::Document) -> Result<ExecutableDocument, Refusal> {
    let conversion = Conversion { sources: &document.sources };
    let (mut anonymous, mut named, mut fragments) = (None, HashMap::new(), HashMap::new());
    for definition in &document.definitions {
        match definition {
            ast::Definition::OperationDefinition(operation) => {
                let converted = conversion.operation(operation);
                match &operation.name {
                    Some(name) => {
                        named.insert(Name::new(name.as_str()), converted);
                    }
                    None => anonymous = Some(converted),
                }
            }
            ast::Definition::FragmentDefinition(fragment) => {
                let name = Name::new(fragment.name.as_str());
                fragments.insert(name, conversion.fragment(fragment));
            }
            _ => {
                return Err(Refusal::invalid(
                    "a document must contain only operations and fragments",
                ));
            }
        }
    }
    let operations = match anonymous {
        Some(operation) if named.is_empty() => DocumentOperations::Single(operation),
        Some(_) => {
            let message = "This anonymous operation must be the only defined operation.";
            return Err(Refusal::invalid(message));
        }
        None if named.is_empty() => {
            return Err(Refusal::invalid("the document must contain an operation"));
        }
        None => DocumentOperations::Multiple(named),
    };
    Ok(ExecutableDocument { operations, fragments })
}

/// The line and column at which a node of a document begins.
pub(super) fn position(span: Option<SourceSpan>, sources: &SourceMap) -> Pos {
    let place = span.and_then(|span| span.line_column(sources));
    place.map_or_else(Pos::default, |place| Pos { line: place.line, column: place.column })
}

/// A conversion, with the source text to which its positions refer.
struct Conversion<'d> {
    sources: &'d SourceMap,
}

impl Conversion<'_> {
    fn position(&self, span: Option<SourceSpan>) -> Pos {
        position(span, self.sources)
    }

    fn name(name: &apollo_compiler::Name, pos: Pos) -> Positioned<Name> {
        Positioned::new(Name::new(name.as_str()), pos)
    }

    fn operation(&self, one: &Node<ast::OperationDefinition>) -> Positioned<OperationDefinition> {
        let pos = self.position(one.location());
        let variables = one.variables.iter().map(|variable| self.variable(variable));
        let operation = OperationDefinition {
            ty: match one.operation_type {
                ast::OperationType::Query => OperationType::Query,
                ast::OperationType::Mutation => OperationType::Mutation,
                ast::OperationType::Subscription => OperationType::Subscription,
            },
            variable_definitions: variables.collect(),
            directives: Self::directives(&one.directives, pos),
            selection_set: Positioned::new(self.set(&one.selection_set), pos),
        };
        Positioned::new(operation, pos)
    }

    fn fragment(&self, one: &Node<ast::FragmentDefinition>) -> Positioned<FragmentDefinition> {
        let pos = self.position(one.location());
        let fragment = FragmentDefinition {
            type_condition: Self::condition(&one.type_condition, pos),
            directives: Self::directives(&one.directives, pos),
            selection_set: Positioned::new(self.set(&one.selection_set), pos),
        };
        Positioned::new(fragment, pos)
    }

    fn variable(&self, one: &Node<ast::VariableDefinition>) -> Positioned<VariableDefinition> {
        let pos = self.position(one.location());
        let default = one.default_value.as_ref().and_then(|value| self::value(value).into_const());
        let variable = VariableDefinition {
            name: Self::name(&one.name, pos),
            var_type: Positioned::new(self::ty(&one.ty), pos),
            directives: Self::directives(&one.directives, pos),
            default_value: default.map(|value| Positioned::new(value, pos)),
        };
        Positioned::new(variable, pos)
    }

    fn set(&self, selections: &[ast::Selection]) -> SelectionSet {
        let items = selections.iter().map(|selection| match selection {
            ast::Selection::Field(field) => {
                let pos = self.position(field.location());
                Positioned::new(Selection::Field(self.field(field, pos)), pos)
            }
            ast::Selection::FragmentSpread(spread) => {
                let pos = self.position(spread.location());
                let spread = FragmentSpread {
                    fragment_name: Self::name(&spread.fragment_name, pos),
                    directives: Self::directives(&spread.directives, pos),
                };
                Positioned::new(Selection::FragmentSpread(Positioned::new(spread, pos)), pos)
            }
            ast::Selection::InlineFragment(fragment) => {
                let pos = self.position(fragment.location());
                let condition = fragment.type_condition.as_ref();
                let fragment = InlineFragment {
                    type_condition: condition.map(|name| Self::condition(name, pos)),
                    directives: Self::directives(&fragment.directives, pos),
                    selection_set: Positioned::new(self.set(&fragment.selection_set), pos),
                };
                Positioned::new(Selection::InlineFragment(Positioned::new(fragment, pos)), pos)
            }
        });
        SelectionSet { items: items.collect() }
    }

    fn field(&self, one: &ast::Field, pos: Pos) -> Positioned<Field> {
        let field = Field {
            alias: one.alias.as_ref().map(|alias| Self::name(alias, pos)),
            name: Self::name(&one.name, pos),
            arguments: Self::arguments(&one.arguments, pos),
            directives: Self::directives(&one.directives, pos),
            selection_set: Positioned::new(
                self.set(one.selection_set.as_deref().unwrap_or_default()),
                pos,
            ),
        };
        Positioned::new(field, pos)
    }

    fn condition(name: &apollo_compiler::Name, pos: Pos) -> Positioned<TypeCondition> {
        Positioned::new(TypeCondition { on: Self::name(name, pos) }, pos)
    }

    fn directives(list: &ast::DirectiveList, pos: Pos) -> Vec<Positioned<Directive>> {
        let directives = list.0.iter().map(|one| {
            let arguments = Self::arguments(&one.arguments, pos);
            Positioned::new(Directive { name: Self::name(&one.name, pos), arguments }, pos)
        });
        directives.collect()
    }

    fn arguments(
        arguments: &[Node<ast::Argument>],
        pos: Pos,
    ) -> Vec<(Positioned<Name>, Positioned<Value>)> {
        let arguments = arguments.iter().map(|argument| {
            let value = Positioned::new(value(&argument.value), pos);
            (Self::name(&argument.name, pos), value)
        });
        arguments.collect()
    }
}

fn ty(ty: &ast::Type) -> Type {
    let named = |name: &apollo_compiler::Name| BaseType::Named(Name::new(name.as_str()));
    let (base, nullable) = match ty {
        ast::Type::Named(name) => (named(name), true),
        ast::Type::NonNullNamed(name) => (named(name), false),
        ast::Type::List(inner) => (BaseType::List(Box::new(self::ty(inner))), true),
        ast::Type::NonNullList(inner) => (BaseType::List(Box::new(self::ty(inner))), false),
    };
    Type { base, nullable }
}

fn value(value: &ast::Value) -> Value {
    match value {
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => Value::Enum(Name::new(name.as_str())),
        ast::Value::Variable(name) => Value::Variable(Name::new(name.as_str())),
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Boolean(is) => Value::Boolean(*is),
        ast::Value::Int(number) => int(number.as_str()),
        ast::Value::Float(number) => float(number.as_str()),
        ast::Value::List(items) => {
            Value::List(items.iter().map(|item| self::value(item)).collect())
        }
        ast::Value::Object(fields) => {
            let fields = fields.iter();
            Value::Object(
                fields.map(|(name, one)| (Name::new(name.as_str()), self::value(one))).collect(),
            )
        }
    }
}

/// An integer literal. An integer beyond 64 bits becomes a double, which Float and JSON accept; ID literals have
/// already been converted to strings.
fn int(digits: &str) -> Value {
    let number = digits.parse::<i64>().map(Number::from);
    number
        .or_else(|_| digits.parse::<u64>().map(Number::from))
        .map_or_else(|_| float(digits), Value::Number)
}

/// A floating-point number; null if it is not finite, which the validator rejects.
fn float(digits: &str) -> Value {
    let number = digits.parse::<f64>().ok().and_then(Number::from_f64);
    number.map_or(Value::Null, Value::Number)
}
