// Where the server and graphql-js 17.1.0 may disagree: the specification (September 2025) sides with the server, or
// leaves the case open. Each has its clause.

export const deviations = [];
